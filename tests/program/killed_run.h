#pragma once
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/inotify.h>

#include "program/program.h"

/// What tests that kill runs share: when to kill, and what must not depend on it.
namespace saccade::program {

/// Counts what happens to the files below a folder, and remembers the newest checkpoint that got its name.
class Watch {
 public:
  explicit Watch(const fs::path& folder) { add(folder); }
  ~Watch() { ::close(notify_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Until so much has happened, or the process has ended (false).
  template <class AProcess>
  bool until(std::size_t count, AProcess& process) {
    bool ended = false;
    while (happened_ < count) {
      pollfd waiting{notify_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) > 0)
        take();
      else if (ended)
        return false;
      else
        ended = process.ended();  // what it did last is still to be read
    }
    return true;
  }
  /// How much has happened up to now.
  std::size_t now() {
    for (pollfd ready{notify_, POLLIN, 0}; ::poll(&ready, 1, 0) > 0;) take();
    return happened_;
  }
  /// Of the folder's checkpoints: acknowledged, for a reader has seen it under its name.
  std::uint64_t checkpoint() const { return checkpoint_; }

 private:
  void add(const fs::path& folder) {
    const int id = ::inotify_add_watch(notify_, folder.c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_DELETE);
    REQUIRE(id >= 0);
    folders_[id] = folder;
  }

  void take() {
    alignas(inotify_event) char buffer[65536];
    const ssize_t size = ::read(notify_, buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      ++happened_;
      const std::string name = event->len > 0 ? event->name : "";
      if ((event->mask & IN_CREATE) && (event->mask & IN_ISDIR)) add(folders_.at(event->wd) / name);
      if ((event->mask & IN_MOVED_TO) && name.starts_with("checkpoint-"))
        checkpoint_ = std::max<std::uint64_t>(checkpoint_, std::stoull(name.substr(11)));
    }
  }

  int notify_ = ::inotify_init1(IN_CLOEXEC);
  std::map<int, fs::path> folders_;
  std::size_t happened_ = 0;
  std::uint64_t checkpoint_ = 0;
};

inline std::size_t moments(std::size_t quick) { return std::getenv("SACCADE_TEST_LONG") ? 50 : quick; }

/// Files that nothing measured by a clock is in, and the fingerprint of each run.
inline std::map<std::string, std::string> result_of(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    const std::string file = entry.path().filename().string();
    // The cache of baselines, shared by processes, is written under names of their own.
    if (!name.starts_with("baselines")) CHECK_MESSAGE(entry.path().extension() != ".tmp", name);
    for (const char* kept :
         {"metrics.csv", "probes.csv", "events.trace", "experiment.toml", "results.csv", "sweep.toml"})
      if (file == kept) all[name] = text_of(entry.path());
    if (file == "summary.json") all[name] = json_of(entry.path())["fingerprint"];
  }
  return all;
}

inline void fresh(const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directory(folder);
}

}  // namespace saccade::program
