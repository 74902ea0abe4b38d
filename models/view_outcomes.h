#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/loss_operations.h"
#include "engine/recorder.h"

namespace saccade {

/// What one view did in every replica.
struct ViewOutcome {
  std::vector<std::vector<UpdateRecord>> records;  ///< [replica][layer drawn]
  std::vector<std::vector<std::int64_t>> marks;  ///< [replica][comparison]: of the anchors, as their memories gave them
  std::vector<std::vector<HingeResult>> results;  ///< [layer drawn]: [replica][comparison], `stride` apart
  std::size_t stride = 0;
  std::vector<std::uint64_t> updates;  ///< [replica]: before this view; known when it is settled
};

/// What the latest views did, of which a device may still owe the numbers: a learner sends it several views before it
/// waits. Until then nobody knows either how many updates there have been, which is the mark of an anchor that is
/// stored meanwhile: such a mark is the number of its view instead, as -1, -2, ..., and exchanged when all is settled.
/// Keeps its memory from one batch of views to the next.
class ViewOutcomes {
 public:
  explicit ViewOutcomes(int replicas) : marks_(static_cast<std::size_t>(replicas)) {}

  /// What an anchor is marked with if the view that comes next is one.
  const std::vector<std::int64_t>& next_marks(const std::vector<std::uint64_t>& updates);
  /// Of the view that comes next; behind a settle() the first of a new batch.
  ViewOutcome& next();
  /// The device's numbers are there: fills the records and counts the updates of each replica.
  void settle(std::vector<std::uint64_t>& updates);

  bool settled() const { return settled_; }
  std::size_t size() const { return used_; }
  const ViewOutcome& operator[](std::size_t view) const { return outcomes_.at(view); }
  /// The number that a mark stands for in a replica.
  std::int64_t number(std::int64_t mark, std::size_t replica) const {
    return mark >= 0 ? mark : static_cast<std::int64_t>((*this)[static_cast<std::size_t>(-1 - mark)].updates[replica]);
  }

 private:
  std::vector<std::int64_t> marks_;
  std::deque<ViewOutcome> outcomes_;  ///< results are written where they lie
  std::size_t used_ = 0;
  bool settled_ = true;
};

}  // namespace saccade
