#include "streams/fixation_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/error.h"
#include "engine/random.h"
#include "streams/views.h"

namespace saccade {

FixationStream::FixationStream(const ImageSet& images, const StreamOptions& options)
    : images_(images), options_(options), duration_(to_ticks(options.fixation_seconds)) {
  if (images.size() == 0) throw InputError(fmt::format("stream of {}: no images, expected at least one", images.name));
  if (images.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(fmt::format("stream of {}: {} images, expected fewer than 2^32", images.name, images.size()));
  }
  if (options.views_per_fixation < 1 || options.views_per_fixation >= static_cast<int>(views_limit)) {
    throw InputError(fmt::format("views per fixation = {}, expected 1 to 2^26 - 1", options.views_per_fixation));
  }
  views_ = static_cast<std::uint64_t>(options.views_per_fixation);
  if (duration_ < options.views_per_fixation) {
    throw InputError(
        fmt::format("fixation of {} s: {} ticks for {} views, expected at least one tick of 1e-6 s per view",
                    options.fixation_seconds, duration_, options.views_per_fixation));
  }
  check_kind(images, options.kind);
  const auto longest = static_cast<std::uint64_t>(std::numeric_limits<Time>::max() / duration_);
  fixations_limit_ = std::min(longest, std::numeric_limits<std::uint64_t>::max() / (views_ + 1));
  if (options.order == ObjectOrder::blocked) {
    if (images.labels.size() != images.size())
      throw InputError(fmt::format(
          "stream of {}: its images have no labels, so they have no order by class; expected shuffled or fixed",
          images.name));
    class_order_.resize(images.size());
    std::iota(class_order_.begin(), class_order_.end(), 0u);
    std::stable_sort(class_order_.begin(), class_order_.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return images.labels[a] < images.labels[b]; });
  }
}

std::uint32_t FixationStream::object(std::uint64_t fixation) const {
  const auto images = static_cast<std::uint32_t>(images_.size());
  const auto place = static_cast<std::uint32_t>(fixation % images);
  switch (options_.order) {
    case ObjectOrder::shuffled:
      return permuted(options_.seed, Purpose::object_order, fixation / images, place, images);
    case ObjectOrder::blocked:
      return class_order_[place];
    case ObjectOrder::fixed:
      break;
  }
  return place;
}

std::optional<ScheduledEvent> FixationStream::next_recipe() {
  const std::uint64_t fixation = position_ / (views_ + 1), index = position_ % (views_ + 1);
  if (fixation >= fixations_limit_) return std::nullopt;
  ScheduledEvent scheduled;
  scheduled.key.source = options_.source;
  scheduled.key.sequence = position_++;
  const auto start = static_cast<Time>(fixation) * duration_;
  if (index == views_) {
    scheduled.key.priority = EventPriority::saccade;
    scheduled.key.time = start + duration_;
    scheduled.event = Saccade{scheduled.key.time, fixation};
    return scheduled;
  }
  scheduled.key.priority = EventPriority::view;
  // index * duration / views, whose product could overflow, in parts that cannot.
  const auto i = static_cast<Time>(index), views = static_cast<Time>(views_);
  scheduled.key.time = start + duration_ / views * i + duration_ % views * i / views;
  const auto view = static_cast<std::uint32_t>(index);
  scheduled.event = View{scheduled.key.time, fixation, view,
                         draw_recipe(options_.kind, options_.seed, object(fixation), fixation, view,
                                     Purpose::view_recipe, for_images(images_)),
                         nullptr};
  return scheduled;
}

void FixationStream::render_pixels(View& view) const {
  auto pixels = std::make_shared<Pixels>(view_shape(view.recipe.kind, images_).values());
  render(images_, view.recipe, pixels->data());
  view.pixels = std::move(pixels);
}

void FixationStream::seek(std::uint64_t view) {
  if (view / views_ >= fixations_limit_) {
    throw InputError(fmt::format("stream position: view {}, expected below {} (the end of simulated time)", view,
                                 fixations_limit_ * views_));
  }
  position_ = view == 0 ? 0 : (view - 1) / views_ * (views_ + 1) + (view - 1) % views_ + 1;
}

}  // namespace saccade
