#pragma once
#include <cstring>
#include <vector>

#include "files.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"

/// Short streams and their comparison, bit for bit.
namespace saccade::test {

/// Labels 2, 1, 0, 2, 1, 0 and so on.
inline ImageSet small_images(std::size_t count) {
  ImageSet images{"small", 4, 5, 3, {"a", "b", "c"}, noise(count * 60, 9), {}};
  for (std::size_t n = 0; n < count; ++n) images.labels.push_back(2 - static_cast<int>(n % 3));
  return images;
}

inline StreamOptions small_options() {
  StreamOptions options;
  options.seed = 17;
  return options;
}

/// The stream of these images, affine_hsv.
inline FixationStream stream_of(const ImageSet& images, const StreamOptions& options) {
  return {std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, options.seed), options};
}

inline std::vector<ScheduledEvent> take(Stream& stream, std::size_t count) {
  std::vector<ScheduledEvent> events;
  while (events.size() < count) {
    auto event = stream.next();
    if (!event) break;
    events.push_back(std::move(*event));
  }
  return events;
}
inline std::vector<ScheduledEvent> take(Stream&& stream, std::size_t count) { return take(stream, count); }

/// Index of the event that follows the `views`-th view.
inline std::size_t after_views(const std::vector<ScheduledEvent>& events, std::uint64_t views) {
  std::size_t i = 0;
  for (std::uint64_t seen = 0; seen < views; ++i) seen += std::holds_alternative<View>(events[i].event);
  return i;
}

template <class T>
bool same_bytes(const T& a, const T& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0;
}

inline bool same(const ScheduledEvent& a, const ScheduledEvent& b) {
  if (a.key != b.key || a.event.index() != b.event.index()) return false;
  if (const auto* saccade = std::get_if<Saccade>(&a.event)) {
    const auto& other = std::get<Saccade>(b.event);
    return saccade->time == other.time && saccade->fixation == other.fixation;
  }
  const auto &view = std::get<View>(a.event), &other = std::get<View>(b.event);
  return view.time == other.time && view.fixation == other.fixation && view.index == other.index &&
         view.recipe.kind == other.recipe.kind && view.recipe.source == other.recipe.source &&
         same_bytes(view.recipe.parameters, other.recipe.parameters) && view.pixels && other.pixels &&
         same_bytes(*view.pixels, *other.pixels);
}

}  // namespace saccade::test
