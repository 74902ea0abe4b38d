#pragma once
#include <vector>

#include "engine/event.h"
#include "streams/views.h"
#include "tools/report/apng.h"

namespace saccade {

/// A stream as it arrives, one frame a view: the newest view at the right, the ones before it to its left. Views of one
/// fixation share the colour of their frame, blue and orange in turn, so that a saccade is a change of colour. A frame
/// stays until the next view comes; the last one stays for `last_seconds`.
std::vector<AnimationFrame> film_strip(const std::vector<View>& views, const ViewShape& shape, int length, int factor,
                                       double last_seconds);

}  // namespace saccade
