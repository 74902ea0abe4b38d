#pragma once
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "streams/network/arrival_log.h"
#include "tools/run/run.h"

namespace saccade {

/// The folders of `serve --each`, one below OUT for each stream, called as the stream: each is the folder of a run of
/// its own. Streams come and are found on the server's thread; folders are asked for on the learner's.
///   each.toml         the experiment of all of them, with as many streams as may come
///   data-folder.txt   as in a run's folder
///   NAME/             a run, with arrivals.views
class StreamFolders final : public ArrivalLogs {
 public:
  struct Folder {
    std::string name;
    OpenedRun run;
    ArrivalLog log;
    std::uint64_t already = 0;  ///< events of earlier sittings
  };

  /// `out` is there and belongs to this process. Opens what is in it. InputError when one cannot go on.
  StreamFolders(const RunFolder& out, const Experiment& experiment);

  /// Whether OUT is a folder of this kind.
  static std::filesystem::path marker(const std::filesystem::path& out) { return out / "each.toml"; }

  std::size_t streams() const override;
  std::optional<Place> find(const std::string& name) override;
  /// Makes its folder. InputError when it cannot.
  Place begin(const std::string& name) override;
  const ArrivalLog* of_new() const override { return nullptr; }
  void sync() override;

  /// Those that are there, by address.
  std::vector<Folder*> all();
  Folder& of(const ArrivalLog* log);

 private:
  const RunFolder out_;
  Experiment experiment_;  ///< of one stream
  mutable std::mutex mutex_;
  std::deque<Folder> folders_;  ///< a folder stays where it is
};

}  // namespace saccade
