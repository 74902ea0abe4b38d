#include "tools/lock_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace saccade {

std::shared_ptr<void> lock_folder(const std::filesystem::path& folder, const char* flag) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    throw InputError(fmt::format("{} {}: cannot open this folder: {}", flag, folder.string(), std::strerror(errno)));
  std::shared_ptr<void> lock(nullptr, [descriptor](void*) { ::close(descriptor); });
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw InputError(
        fmt::format("{} {}: another process is at work in this folder; wait for it or choose another folder", flag,
                    folder.string()));
  return lock;
}

}  // namespace saccade
