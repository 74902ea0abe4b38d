#pragma once
#include <stdexcept>
#include <string>

namespace saccade {

/// Something that came from outside (a file, an option, an experiment key) is not as expected. The message is one line
/// and says where, what was found, what was expected. The program ends with exit code 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The system refused something that should have worked: a full disk, a failed sync. The program ends with exit code 1.
class SystemError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace saccade
