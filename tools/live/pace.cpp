#include "tools/live/pace.h"

#include <algorithm>
#include <charconv>

namespace saccade {
namespace {

constexpr double slowest = 0.1, fastest = 100000;
constexpr int most_steps = 1000;  // that wait for a slow learner

std::optional<double> speed_of(std::string_view text) {
  if (text == "max") return 0;
  double speed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !(speed >= slowest && speed <= fastest)) return {};
  return speed;
}

}  // namespace

bool Pace::command(std::string_view text) {
  constexpr std::string_view speed_command = "speed ";
  const std::lock_guard lock(mutex_);
  if (text == "pause") {
    state_.paused = true, steps_ = 0;
  } else if (text == "resume") {
    state_.paused = false, steps_ = 0;
  } else if (text == "step") {
    // A step of a running learner: it stops behind the view that it is at.
    steps_ = state_.paused ? std::min(steps_ + 1, most_steps) : 0;
    state_.paused = true;
  } else if (text.starts_with(speed_command)) {
    const std::optional<double> speed = speed_of(text.substr(speed_command.size()));
    if (!speed) return false;
    state_.speed = *speed;
    next_.reset();
  } else {
    return false;
  }
  changed_.notify_all();
  return true;
}

Pace::State Pace::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

Pace::Clock::duration Pace::wait(bool (*stop)()) {
  std::unique_lock lock(mutex_);
  if (!state_.paused && state_.speed == 0) return {};
  const Clock::time_point begin = Clock::now();
  constexpr auto slice = std::chrono::milliseconds(20);
  while (!stop()) {
    const Clock::time_point now = Clock::now();
    if (state_.paused) {
      if (steps_ > 0) {
        --steps_;
        break;
      }
      changed_.wait_for(lock, slice);
    } else if (state_.speed > 0 && next_ && *next_ > now) {
      changed_.wait_until(lock, std::min(*next_, now + slice));
    } else {
      break;
    }
  }
  // Views are due at fixed distances; one that came late does not hurry those behind it.
  const Clock::time_point end = Clock::now();
  if (!state_.paused && state_.speed > 0) {
    const auto distance = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / state_.speed));
    next_ = std::max(next_.value_or(end) + distance, end);
  } else {
    next_.reset();
  }
  return end - begin;
}

}  // namespace saccade
