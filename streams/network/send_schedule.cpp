#include "streams/network/send_schedule.h"

#include <algorithm>
#include <charconv>

namespace saccade {

std::optional<SendRate> send_rate(std::string_view text) {
  if (text == "max") return SendRate{SendRate::Kind::max, 0};
  if (text == "recorded") return SendRate{SendRate::Kind::recorded, 0};
  constexpr double slowest = 1e-3, fastest = 1e6;
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error != std::errc() || end != text.data() + text.size() || !(rate >= slowest && rate <= fastest)) return {};
  return SendRate{SendRate::Kind::fixed, rate};
}

SendSchedule::Clock::time_point SendSchedule::due(const Event& event, Clock::time_point now) {
  if (rate_.kind == SendRate::Kind::max) return now;
  Clock::duration distance;
  if (rate_.kind == SendRate::Kind::recorded) {
    const Time time = std::visit([](const auto& e) { return e.time; }, event);
    distance = std::chrono::microseconds(time - last_time_);
    last_time_ = time;
  } else {
    if (std::holds_alternative<Saccade>(event)) return now;
    distance = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate_.views_per_second));
  }
  last_ = last_ ? std::max(*last_ + distance, now) : now;
  return *last_;
}

}  // namespace saccade
