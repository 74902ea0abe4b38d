#pragma once
#include "memory/short_term_memory.h"

namespace saccade {

/// The authors' batch, as a stream: the first view of every fixation is an anchor; each later view is the positive of
/// its own anchor and a negative of the anchors of the T previous fixations that are still held.
class SlidingMemory final : public ShortTermMemory {
 public:
  explicit SlidingMemory(const MemoryOptions& options);
  const Recall& view(Time now, std::int64_t mark) override;
};

}  // namespace saccade
