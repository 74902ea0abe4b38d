#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "memory/short_term_memory.h"
#include "streams/view_source.h"
#include "tools/live/learning_history.h"
#include "tools/live/live_feed.h"
#include "tools/live/pace.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// What a page has to know about a run from its beginning.
struct LiveRun {
  nlohmann::json description;  ///< shown as it is; see page.js
  TraceOptions trace;
  ViewShape view;
  ViewKind kind = ViewKind::plain;
  int layers = 0;
  int slots = 1;                             ///< of the memory of one stream
  std::shared_ptr<const ViewSource> source;  ///< renders views that come without pixels; else null
};

/// What a run looks like at the moment, as three texts of JSON, each a whole: "run" (what it is, what it is at,
/// accuracies, its end), "now" (the present view with its comparisons, what memory holds, the latest views) and
/// "history" (means over the run). The run's thread tells, the server's thread asks; neither waits for the other but
/// for a copy of a few hundred numbers. Bounded: the latest `timeline` views, `most_pictures` anchors and comparisons,
/// and a history of fixed length.
class LiveState {
 public:
  static constexpr std::size_t timeline = 60, most_pictures = 32, most_probes = 400;

  explicit LiveState(LiveRun run);

  void phase(const std::string& what);
  void view(const View& view, const std::vector<UpdateRecord>& updates, const std::vector<Anchor>& anchors);
  void probed(std::uint64_t event, const ProbeResults& learned, const ProbeResults& untrained,
              const ProbeResults& pixels);
  void ended(const RunSummary& summary);

  /// In the order above.
  std::vector<LiveFeed::Text> texts(const Pace::State& pace);

 private:
  using Clock = std::chrono::steady_clock;

  struct Past {
    std::uint64_t event, fixation;
    ViewRole role;
    std::vector<std::int32_t> layers;
    float loss;
    bool active;
  };
  struct Kept {
    std::int64_t slot;
    View view;
  };
  /// A view, what it did and what was remembered then.
  struct Scene {
    View view;
    std::vector<UpdateRecord> updates;
    std::vector<Anchor> anchors;  ///< the youngest
    std::size_t held = 0;         ///< all of them
    std::deque<Kept> kept;        ///< see kept_
  };
  struct Now {
    Scene scene;
    std::deque<Past> past;
    std::uint64_t events = 0;
    LearningHistory::Stretch recent;
  };

  nlohmann::json picture(const View& view) const;
  nlohmann::json now_json(const Now& now, const Pace::State& pace) const;
  void add_scene(nlohmann::json& json, const Scene& scene) const;
  nlohmann::json history_json(const LearningHistory& history) const;
  double rate(std::uint64_t events);

  const LiveRun run_;
  const std::unique_ptr<TraceModel> trace_;

  std::mutex mutex_;  ///< guards what follows
  Now now_;           ///< its scene without what is kept
  /// The latest views that became anchors in this sitting, by stream, oldest first.
  std::vector<std::deque<Kept>> kept_;
  /// Of views that come faster than anyone sees, those that are compared are shown: others would flicker between them.
  std::optional<Scene> compared_;  ///< the first since it was asked for
  bool asked_ = false;
  LearningHistory history_;
  nlohmann::json news_;                             ///< the part of "run" that changes
  std::map<std::uint64_t, nlohmann::json> probed_;  ///< accuracies of the learned network by views, at most most_probes
  std::uint64_t news_version_ = 1;

  // The server's thread's own.
  LiveFeed::Text texts_[3];
  std::uint64_t news_sent_ = 0, history_events_ = ~std::uint64_t{0};
  nlohmann::json now_sent_;
  Clock::time_point history_made_{};
  double rate_ = 0;                                                  ///< views per second
  std::deque<std::pair<Clock::time_point, std::uint64_t>> counted_;  ///< events at times, for the rate
};

}  // namespace saccade
