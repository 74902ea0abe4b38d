#include "tools/sweep/process_pool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "engine/error.h"

namespace saccade {
namespace {

/// In the new process, between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, int log, pid_t parent) {
  const int nothing = ::open("/dev/null", O_RDONLY);
  // A group of its own: Ctrl-C of a terminal reaches the pool's owner, who passes it on once. A second one would end a
  // run without a checkpoint.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool orphan = ::getppid() != parent;  // ended before the line above
  if (orphan || nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) ::_exit(127);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
}

}  // namespace

ProcessPool::~ProcessPool() {
  for (const auto& [process, id] : running_) ::kill(process, SIGKILL);
  for (const auto& [process, id] : running_) ::waitpid(process, nullptr, 0);
}

void ProcessPool::start(std::size_t id, const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  std::vector<std::string> line{"saccade"};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::unlink(log.c_str());  // made anew: opening a FIFO that stands there would wait for its reader
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) throw SystemError(fmt::format("{}: cannot write: {}", log.string(), std::strerror(errno)));
  const pid_t parent = ::getpid(), process = ::fork();
  if (process == 0) become(pointers.data(), file, parent);
  ::close(file);
  if (process < 0) throw SystemError(fmt::format("cannot start another process: {}", std::strerror(errno)));
  running_[process] = id;
}

std::optional<ProcessPool::Ended> ProcessPool::ended() {
  for (const auto& [process, id] : running_) {
    int status = 0;
    if (::waitpid(process, &status, WNOHANG) != process) continue;
    Ended one{id, WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    running_.erase(process);
    return one;
  }
  return {};
}

void ProcessPool::interrupt() const {
  for (const auto& [process, id] : running_) ::kill(process, SIGINT);
}

}  // namespace saccade
