#include "models/view_outcomes.h"

namespace saccade {

const std::vector<std::int64_t>& ViewOutcomes::next_marks(const std::vector<std::uint64_t>& updates) {
  for (std::size_t r = 0; r < marks_.size(); ++r)
    marks_[r] = settled_ ? static_cast<std::int64_t>(updates[r]) : -1 - static_cast<std::int64_t>(used_);
  return marks_;
}

ViewOutcome& ViewOutcomes::next() {
  if (settled_) used_ = 0;
  settled_ = false;
  if (used_ == outcomes_.size()) {
    outcomes_.emplace_back();
    outcomes_.back().records.resize(marks_.size());
    outcomes_.back().marks.resize(marks_.size());
  }
  return outcomes_[used_++];
}

void ViewOutcomes::settle(std::vector<std::uint64_t>& updates) {
  for (std::size_t view = 0; view < used_ && !settled_; ++view) {
    ViewOutcome& outcome = outcomes_[view];
    outcome.updates = updates;
    for (std::size_t r = 0; r < updates.size(); ++r) {
      bool updated = false;
      for (std::size_t drawn = 0; drawn < outcome.records[r].size(); ++drawn)
        for (std::size_t i = 0; i < outcome.marks[r].size(); ++i) {
          UpdateTerm& term = outcome.records[r][drawn].terms[i];
          const HingeResult& result = outcome.results[drawn][outcome.stride * r + i];
          term.distance = result.distance, term.loss = result.loss, term.active = result.active != 0;
          const std::int64_t mark = number(outcome.marks[r][i], r);
          term.staleness = static_cast<std::uint32_t>(static_cast<std::int64_t>(updates[r]) - mark);
          updated = updated || term.active;
        }
      updates[r] += updated;
    }
  }
  settled_ = true;
}

}  // namespace saccade
