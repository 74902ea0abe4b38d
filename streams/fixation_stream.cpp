#include "streams/fixation_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"

namespace saccade {

FixationStream::FixationStream(std::shared_ptr<const ViewSource> source, const StreamOptions& options)
    : source_(std::move(source)),
      key_source_(options.source),
      views_(static_cast<std::uint64_t>(options.views)),
      duration_(to_ticks(options.fixation_seconds)),
      fixations_(*source_, options) {
  if (duration_ < options.views)
    throw InputError(
        fmt::format("fixation of {} s: {} ticks for {} views, expected at least one tick of 1e-6 s per view",
                    options.fixation_seconds, duration_, options.views));
  const auto longest = static_cast<std::uint64_t>(std::numeric_limits<Time>::max() / duration_);
  views_end_ = std::min(longest, std::numeric_limits<std::uint64_t>::max() / (2 * views_)) * views_;
}

Time FixationStream::time_of(std::uint64_t view) const {
  // view * duration / views, whose product could overflow, in parts that cannot.
  const auto whole = static_cast<Time>(view / views_), part = static_cast<Time>(view % views_);
  const auto views = static_cast<Time>(views_);
  return whole * duration_ + duration_ / views * part + duration_ % views * part / views;
}

std::optional<ScheduledEvent> FixationStream::next_recipe() {
  const Fixation& fixation = fixations_.current();
  const std::uint64_t view = fixation.first_view + index_;
  if (fixation.first_view + fixation.views > views_end_) return std::nullopt;
  ScheduledEvent scheduled;
  scheduled.key.source = key_source_;
  scheduled.key.sequence = view + fixation.number;
  scheduled.key.time = time_of(view);
  if (index_ == fixation.views) {
    scheduled.key.priority = EventPriority::saccade;
    scheduled.event = Saccade{scheduled.key.time, fixation.number};
    fixations_.advance();
    index_ = 0;
    return scheduled;
  }
  scheduled.key.priority = EventPriority::view;
  scheduled.event = View{scheduled.key.time, fixation.number, index_,
                         source_->draw(fixation.object, fixation.number, index_), nullptr};
  ++index_;
  return scheduled;
}

void FixationStream::render_pixels(View& view) const {
  auto pixels = std::make_shared<Pixels>(source_->view_shape().values());
  source_->render(view.recipe, pixels->data());
  view.pixels = std::move(pixels);
}

void FixationStream::seek(std::uint64_t view) {
  if (view >= views_end_)
    throw InputError(
        fmt::format("stream position: view {}, expected below {} (the end of simulated time)", view, views_end_));
  fixations_.seek(view == 0 ? 0 : view - 1);
  index_ = view == 0 ? 0 : static_cast<std::uint32_t>(view - fixations_.current().first_view);
}

}  // namespace saccade
