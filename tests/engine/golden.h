#pragma once
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/// Files of this version of the formats, in tests/golden: every later version must read them, to the bit. They are
/// never rewritten; `SACCADE_WRITE_GOLDEN=1 build/release/tests/test_engine --test-case='golden*'` (test_tools for
/// safetensors, test_program for run folders) makes those that are not there, for a format that changes.
namespace saccade::testing {

/// Where a golden file is; made by `write` when it is missing and this was asked for.
template <class Write>
std::filesystem::path golden_file(const std::string& name, Write write) {
  const std::filesystem::path file = std::filesystem::path(SACCADE_TESTS) / "golden" / name;
  if (std::getenv("SACCADE_WRITE_GOLDEN") && !std::filesystem::exists(file)) {
    std::filesystem::create_directories(file.parent_path());
    write(file);
  }
  REQUIRE(std::filesystem::exists(file));
  return file;
}

}  // namespace saccade::testing
