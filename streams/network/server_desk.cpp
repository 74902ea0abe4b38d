#include "streams/network/server_desk.h"

#include <utility>

namespace saccade {

void ServerCounter::add(std::uint64_t EventServerCounts::*count, const ArrivalLog* log, std::uint64_t more) {
  const std::lock_guard lock(mutex_);
  total_.*count += more;
  if (log) logs_[log].*count += more;
}

void ServerCounter::joins(const ArrivalLog& log) {
  const std::lock_guard lock(mutex_);
  ++logs_[&log].connections;
}

EventServerCounts ServerCounter::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

EventServerCounts ServerCounter::of(const ArrivalLog& log) const {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(&log);
  return found == logs_.end() ? EventServerCounts{} : found->second;
}

void ServerDesk::tell_behind() {
  if (std::exchange(behind, true)) return;
  lines.say(options.drop ? "the learner is behind: views are dropped" : "the learner is behind: senders wait");
}

}  // namespace saccade
