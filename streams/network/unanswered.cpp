#include "streams/network/unanswered.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"

namespace saccade {

void UnansweredEvents::connect(const wire::Welcome& welcome) {
  welcome_ = welcome;
  number_ = 0;
  cursor_ = stamped_ = 0;
  if (window_.empty()) return;
  for (Entry& entry : window_) entry.end = 0, entry.written.reset();
  const Place from = window_.front().place;
  stream_.seek(from.views);
  for (std::uint64_t i = 0; i < from.behind; ++i) stream_.next();
}

std::optional<Event> UnansweredEvents::next() {
  while (auto scheduled = stream_.next()) {
    const bool view = std::holds_alternative<View>(scheduled->event);
    const bool fresh = cursor_ == window_.size();
    if (fresh) {
      window_.push_back({place_, view, false, false, 0, 0, {}});
      place_ = view ? Place{place_.views + 1, 0} : Place{place_.views, place_.behind + 1};
    }
    Entry& entry = window_[cursor_++];
    entry.number = number_;
    if (!entry.settled && !welcome_.covers(scheduled->event)) {
      ++number_;
      return std::move(scheduled->event);
    }
    if (!entry.settled) {
      if (!entry.counted) ++skipped_;
      settle(entry);
    }
    forget_settled();
  }
  return std::nullopt;
}

void UnansweredEvents::packed(std::uint64_t end) {
  Entry& entry = window_[cursor_ - 1];
  entry.end = end;
  if (!std::exchange(entry.counted, true)) ++(entry.view ? views_ : saccades_);
}

void UnansweredEvents::written(std::uint64_t bytes, Clock::time_point now) {
  for (; stamped_ < cursor_ && window_[stamped_].end <= bytes; ++stamped_) {
    Entry& entry = window_[stamped_];
    if (entry.end == 0 && !entry.settled) return;
    entry.written = now;
  }
}

UnansweredEvents::Answered UnansweredEvents::answer(std::uint64_t number, Clock::time_point now) {
  // Numbers do not fall up to the cursor; the last one that has this number is the one that was sent.
  const auto end = window_.begin() + static_cast<std::ptrdiff_t>(cursor_);
  const auto behind =
      std::upper_bound(window_.begin(), end, number, [](auto n, const Entry& e) { return n < e.number; });
  if (behind == window_.begin() || std::prev(behind)->number != number || std::prev(behind)->end == 0 ||
      std::prev(behind)->settled)
    throw InputError(
        fmt::format("got an answer to event {}, expected one for each of the {} that were sent", number, number_));
  Entry& entry = *std::prev(behind);
  const Answered answered{entry.view, first_ + static_cast<std::uint64_t>(std::prev(behind) - window_.begin()),
                          std::chrono::duration<double>(now - entry.written.value_or(now)).count()};
  settle(entry);
  forget_settled();
  return answered;
}

void UnansweredEvents::settle(Entry& entry) {
  entry.settled = true;
  if (entry.counted) ++settled_;
}

void UnansweredEvents::forget_settled() {
  while (cursor_ > 0 && window_.front().settled) {
    window_.pop_front();
    --cursor_;
    if (stamped_ > 0) --stamped_;
    ++first_;
  }
}

}  // namespace saccade
