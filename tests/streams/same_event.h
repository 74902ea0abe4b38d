#pragma once
#include "engine/event.h"

namespace saccade::test {

/// As they travel: views with their pixels, without their recipes.
inline bool same_event(const Event& a, const Event& b) {
  if (a.index() != b.index()) return false;
  if (const auto* saccade = std::get_if<Saccade>(&a)) {
    const auto& other = std::get<Saccade>(b);
    return saccade->time == other.time && saccade->fixation == other.fixation;
  }
  const auto &view = std::get<View>(a), &other = std::get<View>(b);
  return view.time == other.time && view.fixation == other.fixation && view.index == other.index &&
         *view.pixels == *other.pixels;
}

}  // namespace saccade::test
