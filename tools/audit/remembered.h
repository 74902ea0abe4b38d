#pragma once
#include <optional>

#include "tools/experiment/experiment.h"

namespace saccade {

/// Age in seconds that a remembered view can have when another one is compared with it, in event mode: from the
/// memory's options and the length of fixations. Nothing where there is no bound.
std::optional<double> oldest_anchor(const Experiment& experiment);
/// Most floats that short-term memory holds at a time, as OnlineLearner::held_floats() tells of the learner itself.
double anchor_floats(const Experiment& experiment);

}  // namespace saccade
