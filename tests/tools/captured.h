#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tools/read_text.h"
#include "tools/temporary_folder.h"

namespace saccade {

/// What this process says meanwhile, on STDOUT_FILENO or STDERR_FILENO.
class Captured {
 public:
  explicit Captured(int stream) : stream_(stream), before_(::dup(stream)) {
    std::fflush(nullptr);
    const int file = ::open((folder_.path / "said").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, stream_);
    ::close(file);
  }
  ~Captured() {
    std::fflush(nullptr);
    ::dup2(before_, stream_);
    ::close(before_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  std::string text() const {
    std::fflush(nullptr);
    return read_text(folder_.path / "said");
  }

 private:
  TemporaryFolder folder_;
  int stream_, before_;
};

}  // namespace saccade
