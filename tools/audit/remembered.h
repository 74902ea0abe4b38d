#pragma once
#include <optional>

#include "tools/experiment/experiment.h"

namespace saccade {

/// Age in seconds that a remembered view can have when another one is compared with it, in event mode: from the
/// memory's options and the length of fixations. Nothing where there is no bound.
std::optional<double> oldest_anchor(const Experiment& experiment);
/// Floats that short-term memory has room for, as OnlineLearner::memory_floats() tells of the learner itself.
double anchor_floats(const Experiment& experiment);

}  // namespace saccade
