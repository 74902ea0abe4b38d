#pragma once
#include <filesystem>

#include "engine/checkpoint.h"
#include "models/parameters.h"
#include "tools/experiment/experiment.h"

namespace saccade {

/// The network that learned, with its heads and feedback weights, as a checkpoint of a run holds it. InputError, naming
/// `file`, when the checkpoint does not fit the experiment.
Parameters learner_parameters(Device& device, const Experiment& experiment, const Checkpoint& checkpoint,
                              const std::filesystem::path& file);

/// The encoder that a checkpoint of a run holds, as probes and figures read it: the experiment's network on whole views
/// (also where the learner saw patches of them), without heads that learned. InputError as above.
Parameters learned_parameters(Device& device, const Experiment& experiment, const Checkpoint& checkpoint,
                              const std::filesystem::path& file);

}  // namespace saccade
