#pragma once
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace saccade {

/// Processes of this very program side by side, each with a log for what it says. A run in a process of its own has its
/// own peak of memory, and what ends it, be it the system, ends no other. They end with this process, however it ends.
/// Use it from one thread that lives as long as the pool.
class ProcessPool {
 public:
  ProcessPool() = default;
  /// Kills what still runs.
  ~ProcessPool();
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  /// `id` is told again when it ends; `log` gets standard output and error. SystemError when it cannot be started.
  void start(std::size_t id, const std::vector<std::string>& arguments, const std::filesystem::path& log);

  struct Ended {
    std::size_t id = 0;
    int code = 0;    ///< exit code; -1 when a signal ended it
    int signal = 0;  ///< that signal
  };
  /// One that has ended since it was asked last; does not wait.
  std::optional<Ended> ended();

  /// Asks all to end as Ctrl-C does.
  void interrupt() const;
  std::size_t running() const { return running_.size(); }

 private:
  std::map<pid_t, std::size_t> running_;
};

}  // namespace saccade
