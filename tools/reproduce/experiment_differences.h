#pragma once
#include <string>
#include <vector>

#include "tools/experiment/experiment.h"

namespace saccade {

/// What another experiment does otherwise: "epochs 1 instead of 400", in the order of the keys. The seed and what only
/// decides how a run is stored (checkpoint.*, record.*) are left out unless `all`.
std::vector<std::string> experiment_differences(const Experiment& published, const Experiment& ours, bool all = false);

}  // namespace saccade
