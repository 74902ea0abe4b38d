#include "memory/sliding_memory.h"

#include <algorithm>

namespace saccade {

SlidingMemory::SlidingMemory(const MemoryOptions& options)
    : ShortTermMemory(
          options, options.capacity > 0 ? std::min(options.capacity, options.negatives + 1) : options.negatives + 1) {}

const Recall& SlidingMemory::view(Time now, std::int64_t mark) {
  recall_.clear();
  forget_older_than_window(now);
  std::erase_if(anchors_, [&](const Anchor& anchor) { return fixation_ - anchor.fixation > options_.negatives; });
  if (first_view_) {
    first_view_ = false;
    store(now, mark);
    return recall_;
  }
  for (auto anchor = anchors_.rbegin(); anchor != anchors_.rend(); ++anchor)  // youngest first: its own anchor leads
    recall_.comparisons.push_back(compare(*anchor, anchor->fixation == fixation_, now));
  return recall_;
}

}  // namespace saccade
