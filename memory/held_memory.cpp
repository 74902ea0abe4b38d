#include "memory/held_memory.h"

namespace saccade {

HeldMemory::HeldMemory(const MemoryOptions& options) : ShortTermMemory(options, 1) {}

const Recall& HeldMemory::view(Time now, std::int64_t mark) {
  recall_.clear();
  forget_older_than_window(now);
  // With T = 0 the anchor serves its own fixation only.
  if (!anchors_.empty() && options_.negatives == 0 && anchors_.front().fixation != fixation_) anchors_.clear();
  if (anchors_.empty()) {
    if (first_view_) store(now, mark);
  } else {
    Anchor& anchor = anchors_.front();
    const bool positive = anchor.fixation == fixation_;
    recall_.comparisons.push_back(compare(anchor, positive, now));
    if (!positive && ++anchor.uses >= options_.negatives) anchors_.clear();
  }
  first_view_ = false;
  return recall_;
}

}  // namespace saccade
