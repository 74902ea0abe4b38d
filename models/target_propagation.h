#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "models/credit.h"
#include "models/parameters.h"
#include "models/target_feedback.h"

namespace saccade {

struct TargetPropagationOptions {
  float feedback_rate = 0.001f;  ///< Adam's rate of the autoencoders
  float noise = 0;               ///< standard deviation of e below
  int feedback_steps = 1;        ///< autoencoder steps before each step of the network
  /// eta; it multiplies the derivative with respect to the embedding as learn() gets it. That of a hinge loss is of one
  /// pair's terms; where the loss is a mean over n pairs, give n eta.
  float target_step = 1.0f;
  std::optional<std::uint64_t> weights_seed = {};  ///< of the first feedback weights; absent: that of the draws
};

/// Difference target propagation (Lee et al. 2015; Algorithm 1 of Tang, Yang and Amit 2022), end to end. Instead of an
/// error, a target for each layer's activity comes down through functions g of their own (models/target_feedback.h),
/// and each layer minimises its own squared distance to it. With x_l what bundle l reads, f_l a convolution with its
/// pool and activation, L the head, one call of learn() is, in the order of Algorithm 1:
///   lines 9-12: for l = L .. 1, `feedback_steps` times: g_l learns from |g_l(f_l(x_l + e)) - (x_l + e)|^2, e Gaussian
///     noise drawn anew for each step, summed over all views given, active or not;
///   lines 14-17: the target of the embedding is that minus eta dLoss/d(embedding); a target t' above gives the target
///     t = x_l - g_l(x') + g_l(t') below, x' being the activity above;
///   lines 19-23: f_l learns from |x' - t'|^2 through its pool's winners, the head from the loss itself (line 20).
class TargetPropagation final : public CreditAssignment {
 public:
  /// `views`: the largest number of views that one call may have. The network must have one replica.
  TargetPropagation(Device& device, Parameters& parameters, const TargetPropagationOptions& options, std::uint64_t seed,
                    int views);

  /// InputError for a single layer: dtp is an end-to-end rule.
  void learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) override;
  /// The autoencoders' part of learn() alone.
  void pretrain(const Views& views);

  /// Mean over the views of the latest step of |g_l(f_l(x)) - x|^2, before that step; 1 <= l <= depth, which is the
  /// head.
  double autoencoder_loss(int l) const;

  /// Feedback weights, their Adam state and the number of noise draws so far.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  /// Scratch maps, a few views at a time: memory of their own for all views would be as much as the activity's.
  struct Scratch {
    DeviceBuffer<float> target, inverse;  ///< t and g(x')
    DeviceBuffer<float> noisy, above;     ///< x + e and f(x + e); absent without noise
  };

  void check(const Views& views) const;
  void set_targets(const Views& part, ConstFloats error, ConstFlags active, int first);
  Scratch& scratch(int map) { return scratch_[static_cast<std::size_t>(map)]; }

  Device& device_;
  Parameters& parameters_;
  TargetPropagationOptions options_;
  std::uint64_t seed_;
  TargetFeedback feedback_;
  std::int64_t noise_draws_ = 0;
  int learned_views_ = 0;                    ///< of the latest autoencoder step
  std::vector<Scratch> scratch_;             ///< of map i; [0] is empty
  std::vector<DeviceBuffer<float>> errors_;  ///< at the output of each layer, before its activation, for all views
  std::vector<DeviceBuffer<float>> losses_;  ///< of each view; [l - 1] belongs to g_l
  DeviceBuffer<float> embedding_;
};

}  // namespace saccade
