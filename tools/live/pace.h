#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string_view>

namespace saccade {

/// How fast a run may go: held, one view at a time, so many views per second, or as fast as it can. One thread waits,
/// any thread commands.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  struct State {
    bool paused = false;
    double speed = 0;  ///< views per second; 0: as fast as possible
  };

  /// "pause", "resume", "step" (one more view, paused from then on), "speed N" with N views per second, a decimal
  /// number from 0.1 to 100000, or "speed max". Anything else changes nothing: false.
  [[nodiscard]] bool command(std::string_view text);
  State state() const;

  /// Until the next view may come or `stop` is true, which is looked at every 20 ms. Returns the time that it took.
  Clock::duration wait(bool (*stop)());

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_;
  int steps_ = 0;                          ///< views that may come although it is paused
  std::optional<Clock::time_point> next_;  ///< when the next view is due; nothing: now
};

}  // namespace saccade
