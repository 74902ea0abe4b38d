#pragma once
#include <cstdint>
#include <memory>

#include "streams/fixations.h"
#include "streams/stream.h"

namespace saccade {

struct StreamOptions : FixationOptions {
  double fixation_seconds = 0.3;  ///< D: duration of a fixation of `views` views; at least a tick for each of them
  std::uint32_t source = 0;       ///< EventKey::source of the events
};

/// The generated stream, without end: view number g of the stream (from 0) comes at time g D / V, integer division, D
/// in ticks; the Saccade that ends a fixation comes at the time of the next one's first view. Events are keyed (time,
/// priority, target 0, source, g + f), the Saccade's g being that of the view behind it, f the fixation's number.
class FixationStream final : public RenderableStream {
 public:
  /// Throws InputError for options outside their ranges.
  FixationStream(std::shared_ptr<const ViewSource> source, const StreamOptions& options);

  std::optional<ScheduledEvent> next_recipe() override;
  void render_pixels(View& view) const override;
  void seek(std::uint64_t view) override;

 private:
  Time time_of(std::uint64_t view) const;

  std::shared_ptr<const ViewSource> source_;
  std::uint32_t key_source_;
  std::uint64_t views_;      ///< V
  Time duration_;            ///< D
  std::uint64_t views_end_;  ///< times and sequence numbers of earlier views, and of the saccade behind them, fit
  Fixations fixations_;
  std::uint32_t index_ = 0;  ///< of the next view in the current fixation; Fixation::views: its saccade comes next
};

}  // namespace saccade
