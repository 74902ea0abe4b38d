#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "models/adam_tensor.h"
#include "models/clapp_terms.h"
#include "models/plasticity.h"
#include "models/stimuli.h"

namespace saccade {

struct ClappOptions {
  bool patches = false;     ///< each image is a grid of 7 x 7 patches (Table 2), else a pair of views (Table 1)
  int negatives = 4;        ///< pairs: T following views, or all_others; patches: draws per positive, 16 in Table 2
  bool synchronous = true;  ///< positives and negatives at each step; else either the ones or the others
  bool context_learns = true;
  float rate = 1e-4f;  ///< of W
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> weights_seed = {};  ///< of the first W; absent: seed

  static constexpr int all_others = -1;
  static ClappOptions patch_grid() { return {.patches = true, .negatives = 16}; }
};

/// What the latest step measured.
struct ClappMeasures {
  double score = 0, loss = 0, active = 0;  ///< means over the terms; active: share with an error
  int terms = 0;
};

/// One step of CLAPP (Illing, Ventura, Bellec and Gerstner 2021), a hinge loss on a layer's own output; no head.
///
/// z and c are maps after the activation f of the layer, W a 1x1 convolution without bias, applied at every position p:
///   score(c, z) = sum over p of z_p . W c_p,
///   loss = mean over positives of [1 - score]_+ + mean over negatives of [1 + score]_+ .
/// With y = 1 for a positive, -1 for a negative, and m the number of terms of its sign in the batch, each active term
/// (1 - y score > 0) gives
///   d/dz_p = -y/m W c_p,   d/dc_p = -y/m W^T z_p,   d/dW = -y/m sum over p of z_p c_p^T.
/// The first two pass f'(output) and go to the layer's convolution and, end to end, down the chain by the rule's
/// carrier; W c is the prediction that reaches a unit's dendrite in the article, W^T the way back that the article
/// replaces by weights of its own where it asks for locality. W itself carries it here, under every rule. Without
/// `context_learns` the second derivative is dropped: only the arriving view learns, as under the blocked gradient.
///
/// Deformed views: one W; c is the first view, z are second views. Patches: one W for each of five context rows. Which
/// are compared: models/clapp_terms.h. The published articles leave open for deformed views which views are compared
/// and how the means combine, and for patches whether terms of different rows weigh the same: these are our choices.
///
/// W starts uniform in +-1/sqrt(channels) and learns by an Adam of its own; a step in which no term of a W is active
/// leaves it and its moments alone. Every layer that has a head in `parameters` has W's of its own, so one object
/// serves a layer-wise schedule.
class ClappStep {
 public:
  /// `images`: pairs of views, or grids of patches, of one step. For patches the network's input is a patch.
  ClappStep(Device& device, Parameters& parameters, int images, const ClappOptions& options);

  /// Pairs: the first and second views, `images` of each. `step` is the number of the
  /// step that draws depend on. Returns the loss.
  double run(const Stimuli& a, const Stimuli& b, int layer, std::uint64_t step, Optimiser& optimiser);
  /// Patches: pixels [images][49][height][width][channels], 49 patches in row-major order.
  double run(std::span<const float> patches, int layer, std::uint64_t step, Optimiser& optimiser);

  const ClappMeasures& positives() const { return positives_; }
  const ClappMeasures& negatives() const { return negatives_; }
  /// W of the layer's context row k, [C, C] from context to prediction, and its latest gradient.
  Tensor weight(int layer, int k = 0) const;
  Tensor weight_gradient(int layer, int k = 0) const;

  /// clapp.I.weight (patches: clapp.I.K.weight) and Adam's state, for every layer that has a head.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  /// Context views [first, first + count) with the W that predicts from them.
  struct Context {
    int first, count;
    AdamTensor& w;
  };
  int top_of(int layer) const;
  int views() const;
  std::size_t pixels() const;
  const std::vector<Context>& contexts(int top) const;
  double learn(int layer, std::uint64_t step, Optimiser& optimiser);
  void predict(int top, const Context& context);
  double compare(int top);
  void learn_context(int top, const Context& context);
  Floats maps(const DeviceBuffer<float>& buffer, int top) const;

  Device& device_;
  Parameters& parameters_;
  int images_;
  ClappOptions options_;
  Activity activity_;
  Plasticity plasticity_;
  DeviceBuffer<float> prediction_, prediction_error_;  ///< W c and its error, for the largest layer
  DeviceBuffer<std::int32_t> active_, anchor_active_;
  std::vector<std::vector<AdamTensor>> w_;      ///< [layer][k]; none for a layer without a head
  std::vector<std::vector<Context>> contexts_;  ///< [layer][k]
  std::vector<InnerProductTerm> terms_;         ///< of the latest step, as the next two
  DeviceBuffer<InnerProductResult> results_;
  std::vector<InnerProductResult> host_results_;
  std::vector<std::int32_t> host_active_, host_anchor_active_;
  ClappMeasures positives_, negatives_;
};

}  // namespace saccade
