#pragma once
#include <string>
#include <vector>

#include "tools/experiment/experiment.h"

namespace saccade {

/// A key whose value is not the same in all of some experiments, and its value in each of them, as TOML ("all" for a
/// number of images that is 0).
struct DifferingKey {
  std::string name;
  std::vector<std::string> values;
};

/// In the order of the keys. The seed and what only decides how a run is stored (checkpoint.*, record.*) are left out
/// unless `all`.
std::vector<DifferingKey> differing_keys(const std::vector<const Experiment*>& experiments, bool all = false);

/// What another experiment does otherwise: "epochs 1 instead of 400".
std::vector<std::string> experiment_differences(const Experiment& published, const Experiment& ours, bool all = false);

}  // namespace saccade
