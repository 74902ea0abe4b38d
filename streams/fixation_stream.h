#pragma once
#include <cstdint>
#include <vector>

#include "streams/image_set.h"
#include "streams/stream.h"

namespace saccade {

/// How successive fixations choose their object. shuffled: every image once per pass, in a fresh order each pass.
/// fixed: file order. blocked: all images of class 0 in file order, then class 1, and so on.
enum class ObjectOrder : std::uint8_t { shuffled, fixed, blocked };

struct StreamOptions {
  ViewKind kind = ViewKind::affine_hsv;
  int views_per_fixation = 2;     ///< 1 to 2^26 - 1
  double fixation_seconds = 0.3;  ///< at least one tick per view
  ObjectOrder order = ObjectOrder::shuffled;
  std::uint64_t seed = 1;
  std::uint32_t source = 0;  ///< EventKey::source of the events
};

/// The generated stream, without end: fixation f (from 0) shows one object through views at times f D + i D / views, i
/// from 0, D the fixation's ticks, integer division; a Saccade at (f + 1) D ends it. Events are keyed (time, priority,
/// target 0, source, f * (views + 1) + i), the Saccade's i being `views`. Recipes have presentation = f and purpose
/// view_recipe.
class FixationStream final : public RenderableStream {
 public:
  /// The images must outlive the stream and stay as they are. Throws InputError for options outside their ranges, no
  /// images, or images that do not suit the kind of views.
  FixationStream(const ImageSet& images, const StreamOptions& options);

  std::optional<ScheduledEvent> next_recipe() override;
  void render_pixels(View& view) const override;
  void seek(std::uint64_t view) override;

  /// Index of the image that fixation f shows.
  std::uint32_t object(std::uint64_t fixation) const;

 private:
  const ImageSet& images_;
  StreamOptions options_;
  std::uint64_t views_;                     // per fixation
  Time duration_;                           // ticks of a fixation
  std::uint64_t fixations_limit_;           // times and sequence numbers of earlier fixations fit their types
  std::vector<std::uint32_t> class_order_;  // blocked order only
  std::uint64_t position_ = 0;              // sequence number of the next event
};

}  // namespace saccade
