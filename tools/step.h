#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli.h"

namespace saccade {

/// What `saccade step` is asked for (design.md, "Command line").
struct StepRequest {
  std::filesystem::path weights, views;
  std::string network = "conv5";  ///< a known name or an experiment file
  std::string loss = "hinge", rule = "bp";
  std::optional<int> layer;     ///< layer-wise; end to end without it
  std::string negatives = "4";  ///< a number or "all"
  double negative_weight = 0.2;
  std::vector<double> margins{1, 3};
  bool no_block = false;
};

/// One learning step under glass: writes a safetensors file with embeddings, distances, loss and the gradient of every
/// parameter that learns. InputError before anything is written when the request cannot be met.
int step(const StepRequest& request, const CommonFlags& flags);

}  // namespace saccade
