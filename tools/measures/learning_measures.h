#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "models/pair_step.h"
#include "tools/measures/event_gradients.h"
#include "tools/measures/measure.h"
#include "tools/measures/measured_pairs.h"

namespace saccade {

/// What LearningMeasures must know of the run that it measures.
struct MeasureOptions {
  std::uint64_t seed = 1;  ///< of the initial weights
  Heads heads = Heads::every_layer;
  bool head_measures = true;  ///< the heads learn
  std::string rule = "bp";
  Arithmetic arithmetic = Arithmetic::exact;
  std::optional<PairStepOptions> loss;  ///< nothing: no gradients are measured. Its layer and margins are set for each
  std::vector<Margins> margins{{}};     ///< one for all heads, or one per layer
};

/// What learning does to a network, seen from outside: how far and where the weights went, how the gradient of a single
/// event lies to that of a batch, what the features look like. It reads the learner's weights and works on copies.
///
/// For synapses X = conv or head of a layer, w being their weights now, w0 at the beginning, w' at the measurement
/// before, g the gradient of the loss of a batch of n pairs, summed, errors carried back by bp, u the same as the run's
/// rule carries errors back, and u_i that of one event, a pair of another batch of n:
///   X_moved                |w - w0| / |w0|
///   X_step                 |w - w'| / |w|
///   X_descent              cosine of w' - w and g at w'; learning downhill makes it positive
///   X_gradient_norm        |u| / n
///   X_event_gradient_norm  root of the mean of |u_i|^2; of noise alone, |u| / n would be this / sqrt(n)
///   X_event_descent        mean cosine of u_i and g, of events whose u_i is not zero; of noise alone, around 0
///   conv_rule_descent      cosine of u and g, for rules other than bp
///   X_feedback_angle       degrees between w and the weights that carry errors back through X, not of bp: about 90 at
///                          random; feedback alignment turns w towards them
/// and of the features that the head of a layer reads of the batch's n later views: feature_norm2, feature_variance,
/// participation_ratio (FeatureStatistics), and saturation, the share of the layer's outputs (saturated());
/// embedding_variance and embedding_participation_ratio are those of what the head makes of them.
/// A number that is not defined (0 / 0) is left out. Single events are looked at under the blocked hinge, where a
/// view's update follows from its own terms, with rules that carry errors back.
class LearningMeasures {
 public:
  LearningMeasures(Device& device, const NetworkSpec& network, const MeasureOptions& options, MeasuredPairs batch,
                   MeasuredPairs events);

  /// `event`: when. The weights become w' of the next measurement.
  std::vector<Measure> measure(std::uint64_t event, const Parameters& parameters);
  /// What measure() says of the features and embeddings of the network before it learned.
  std::vector<Measure> untrained();
  /// When the latest measurement was.
  std::optional<std::uint64_t> latest() const { return latest_; }

  /// Time and weights of the latest measurement; bookkeeping, no part of the fingerprint.
  void save(Checkpoint& checkpoint) const;
  /// InputError when it does not fit this network.
  void load(const Checkpoint& checkpoint);

 private:
  using Tensors = std::vector<Tensor>;
  /// f(layer, kind, name of the tensor) for all convolutions and heads that are measured.
  template <class F>
  void for_each_bundle(F f) const;
  bool end_to_end_run() const { return options_.heads != Heads::every_layer; }
  bool looks_at_events() const;
  /// Another rule than bp that carries errors back.
  bool other_carrier() const { return options_.rule != "bp" && !make_rule(options_.rule).targets; }
  /// Whether they pass through this bundle, not only to it. (CLAPP, which learns no heads: unknown, taken as no.)
  bool passes_errors(int layer, const std::string& kind) const {
    return kind == "head" || (end_to_end_run() && options_.head_measures && layer > 0);
  }
  /// One step of every layer's loss, or of the loss end to end.
  void gradients(PairStep& step, const MeasuredPairs& pairs, Optimiser& optimiser) const;
  /// g and what belongs to it, at `weights`.
  void look_downhill(const Tensors& weights);
  void ways(const Tensors& weights, std::vector<Measure>& out) const;
  void angles(const Tensors& weights, std::vector<Measure>& out) const;
  void updates(const Tensors& weights, std::vector<Measure>& out);
  void features(std::vector<Measure>& out);

  Device& device_;
  NetworkSpec network_;
  MeasureOptions options_;
  MeasuredPairs batch_, events_;       ///< as many of either
  Parameters copy_;                    ///< of the weights, rule bp
  std::optional<Parameters> carrier_;  ///< of weights and feedback, under the run's rule where it is another
  PairStep step_;
  std::optional<PairStep> carried_step_;
  Tensors initial_, last_;  ///< w0, w'
  Tensors gradient_;        ///< g at w'
  std::optional<std::uint64_t> latest_;
};

}  // namespace saccade
