#pragma once
#include <chrono>
#include <optional>
#include <string_view>

#include "engine/event.h"

namespace saccade {

/// How fast a stream is sent.
struct SendRate {
  enum class Kind { max, fixed, recorded };
  Kind kind = Kind::max;
  double views_per_second = 0;  ///< fixed
};

/// "max", "recorded" (the events' own times) or views per second, 0.001 to 1000000. Nothing for anything else.
std::optional<SendRate> send_rate(std::string_view text);

/// When each event is due by the wall clock. Views lie on a grid, a saccade goes behind the last view of its fixation
/// at once; by the recording's times each event has its own. What was held up does not hurry what is behind it.
class SendSchedule {
 public:
  using Clock = std::chrono::steady_clock;

  explicit SendSchedule(const SendRate& rate) : rate_(rate) {}
  /// Of the next event; `now` or later.
  Clock::time_point due(const Event& event, Clock::time_point now);

 private:
  SendRate rate_;
  std::optional<Clock::time_point> last_;
  Time last_time_ = 0;
};

}  // namespace saccade
