#include "tools/shared_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/error.h"

namespace saccade {

namespace fs = std::filesystem;

void publish_file(const fs::path& file, const std::function<void(const fs::path&)>& write) {
  std::string own = file.string() + ".XXXXXX";  // a name that nobody else writes
  const int descriptor = mkstemp(own.data());
  if (descriptor < 0) throw SystemError(fmt::format("{}: cannot write: {}", file.string(), std::strerror(errno)));
  close(descriptor);
  try {
    write(own);
    fs::rename(own, file);
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove(own, ignored);
    throw;
  }
}

}  // namespace saccade
