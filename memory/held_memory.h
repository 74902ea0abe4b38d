#pragma once
#include "memory/short_term_memory.h"

namespace saccade {

/// The paper's text: one anchor at a time. It is the first view of a fixation when memory is empty; the fixation's
/// later views are its positives, then every view is a negative until T have been used or the window has passed; the
/// next anchor is the first view of the next fixation.
class HeldMemory final : public ShortTermMemory {
 public:
  explicit HeldMemory(const MemoryOptions& options);
  const Recall& view(Time now, std::int64_t mark) override;
};

}  // namespace saccade
