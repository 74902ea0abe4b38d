#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "models/adam_tensor.h"
#include "models/clapp_step.h"
#include "models/online_learner.h"
#include "models/pair_step.h"
#include "models/schedule.h"
#include "models/target_propagation.h"

namespace saccade {

struct BatchOptions {
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> weights_seed = {};  ///< of initial and feedback weights; absent: seed
  std::uint64_t steps = 0;  ///< of the whole run, without `pretrain`; "gll" divides them among the layers
  int pairs = 500;          ///< n of a step
  std::string schedule = "e2e";
  std::vector<double> layer_weights = {};  ///< rll: how often each layer is drawn (models/schedule.h); empty: all alike
  std::string rule = "bp";
  PairStepOptions step;  ///< its layer and margins are set for each step; loss "clapp" is known here too
  bool clapp_synchronous = true;
  bool clapp_patches = false;        ///< the network sees the patches of a grid, 49 an image, one by one
  TargetPropagationOptions targets;  ///< rule dtp; eta for the summed loss of one pair
  std::uint64_t pretrain = 0;        ///< rule dtp: steps of the autoencoders alone, before the others
  std::vector<Margins> margins{{}};  ///< one for all heads, or one per layer
  std::string optimiser = "adam";
  Rates rates;
  Arithmetic arithmetic = Arithmetic::exact;
};

/// Batch mode: learns from mini-batches of pairs of views. The same network, losses, rules and device operations as
/// OnlineLearner's, called for many pairs at once. A layer is drawn per batch (rll), trained for an equal share of the
/// steps (gll), or all learn (e2e). State: parameters, optimiser, the number of steps; the classifier's bias
/// (supervised), the feedback functions (dtp), CLAPP's predictions.
class BatchLearner {
 public:
  /// InputError for options that do not go together.
  BatchLearner(Device& device, const NetworkSpec& network, const BatchOptions& options);

  /// `pairs` views each; labels [n] for the supervised loss, which looks at `b`
  /// alone. With patches b holds pixels [pairs][49][height][width][channels], and a nothing.
  void step(const Stimuli& a, const Stimuli& b, const std::vector<std::int32_t>& labels);

  std::uint64_t steps() const { return steps_; }  ///< `pretrain` included
  /// The layer that learns in this step, or end_to_end.
  int layer(std::uint64_t step) const {
    return schedule_.layer(step < options_.pretrain ? 0 : step - options_.pretrain);
  }
  /// What the latest step saw; nothing when it was one of pretraining.
  const StepSums& last() const { return last_; }
  /// Rule dtp: mean loss per view of each feedback function g_1 .. g_depth in the latest step; else empty.
  std::vector<double> autoencoder_losses() const;
  const Parameters& parameters() const { return parameters_; }
  /// Bias of the classifier under the supervised loss, [lanes(classes)].
  ConstFloats bias() const { return bias_.weights.shared(); }

  void save(Checkpoint& checkpoint) const;
  /// InputError when it does not fit this network and these options.
  void load(const Checkpoint& checkpoint);

 private:
  bool supervised() const { return options_.step.loss == "supervised"; }
  void clapp_step(const Stimuli& a, const Stimuli& b, int layer);
  void pair_step(const Stimuli& a, const Stimuli& b, const std::vector<std::int32_t>& labels, int layer);

  Device& device_;
  NetworkSpec network_;
  BatchOptions options_;
  Schedule schedule_;
  Parameters parameters_;
  std::unique_ptr<Optimiser> optimiser_;
  std::unique_ptr<TargetPropagation> targets_;  ///< null but for dtp
  std::unique_ptr<PairStep> pair_step_;         ///< null for clapp
  std::unique_ptr<ClappStep> clapp_;            ///< null but for clapp
  AdamTensor bias_;
  StepSums last_;
  std::uint64_t steps_ = 0;
};

}  // namespace saccade
