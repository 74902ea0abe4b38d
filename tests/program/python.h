#pragma once
#include "program/program.h"

/// What others read of ours, they often read with Python: tests/program/check_export.py, which needs numpy alone.
namespace saccade::program {

inline bool has_numpy() {
  return Process(Process::WholeLine{{"/usr/bin/python3", "-c", "import numpy"}}).wait().code == 0;
}

inline Outcome check_with_numpy(const Arguments& arguments) {
  const fs::path script = fs::path(SACCADE_TESTS) / "program" / "check_export.py";
  return Process(Process::WholeLine{Arguments{"/usr/bin/python3", script.string()} + arguments}).wait();
}

}  // namespace saccade::program
