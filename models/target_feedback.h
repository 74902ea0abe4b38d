#pragma once
#include <cstdint>
#include <vector>

#include "models/adam_tensor.h"
#include "models/network.h"

namespace saccade {

/// The backward functions g_l of difference target propagation with weights and Adam state of their own. g_l maps what
/// is above bundle l to what is below it; map l is the input of convolution l:
///   0 < l < depth: map l + 1 -> map l, a transposed convolution with the layer's stride (a max-pool counts as one),
///   then
///     the activation of the layer below;
///   l = depth: embedding of the top head -> map depth, linear.
/// There is none for l = 0: nothing would read targets for pixels. Initial weights are uniform in +-1/sqrt(fan_in),
/// fan_in being the terms of the sum at one unit of map l: 9 K, a quarter of that with a stride (its mean over the
/// map), or the size of the embedding.
class TargetFeedback {
 public:
  TargetFeedback(Device& device, const NetworkSpec& network, std::uint64_t seed);

  /// below = g_l(above) for active views. `activity`: any map of l's shape, apart from `below`.
  void apply(int l, const Extent& extent, ConstFloats above, ConstFloats activity, ConstFlags active,
             Floats below) const;
  /// Gradient of the sum over views of |g_l(above) - below|^2, added to that of the calls since step(l); `loss` takes
  /// this sum's terms. `scratch`: a map of l's shape per view.
  void accumulate(int l, const Extent& extent, ConstFloats above, ConstFloats below, Floats scratch, Floats loss);
  /// Adam along the accumulated gradient, which starts anew.
  void step(int l, float rate);

  /// Tensors dtp.conv.L.weight and dtp.head.weight in logical layout, with their Adam state; load() sets the same, and
  /// throws InputError when one is missing or has another shape.
  void save(Checkpoint& checkpoint) const;
  void load(const Checkpoint& checkpoint);

 private:
  AdamTensor& synapses(int l) { return g_[static_cast<std::size_t>(l) - 1]; }
  const AdamTensor& synapses(int l) const { return g_[static_cast<std::size_t>(l) - 1]; }
  ConvShape shape(int l) const;
  HeadShape head() const { return network_.head(network_.depth() - 1); }

  Device& device_;
  NetworkSpec network_;
  std::vector<AdamTensor> g_;
  std::vector<bool> started_;  ///< a gradient is there to be added to
};

}  // namespace saccade
