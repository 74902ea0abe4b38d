#pragma once
#include <optional>
#include <vector>

#include "models/online_learner.h"
#include "tools/experiment/experiment.h"

namespace saccade {

/// An experiment without what runs that advance together may each have of their own: rates (but rate.final),
/// negative_weight and weights_seed; memory.window and negatives too, where neither decides which views become anchors
/// (memory.mode "sliding"), nor what is summed over anchors (block) or joins averages (activity "hebb"). Replays for
/// which this is equal can advance together, each to the bits that it comes to alone. Nothing for what event mode
/// refuses.
std::optional<Experiment> shared_experiment(const Experiment& experiment);

/// One learner for such experiments, a replica each.
LearnerOptions learner_together(const std::vector<const Experiment*>& experiments);

}  // namespace saccade
