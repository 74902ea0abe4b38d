#include "models/target_feedback.h"

#include <cmath>

#include "engine/random.h"
#include "models/layout.h"

namespace saccade {
namespace {

Tensor uniform(std::uint64_t seed, int entity, Tensor tensor, double fan_in) {
  const Random random(seed, Purpose::feedback_weights, static_cast<std::uint32_t>(entity), 0);
  const auto bound = static_cast<float>(1 / std::sqrt(fan_in));
  for (std::size_t i = 0; i < tensor.data.size(); ++i)
    tensor.data[i] = random.uniform(static_cast<std::uint32_t>(i), -bound, bound);
  return tensor;
}

std::string conv_name(int l) { return "dtp.conv." + std::to_string(l) + ".weight"; }
constexpr const char* head_name = "dtp.head.weight";

}  // namespace

TargetFeedback::TargetFeedback(Device& device, const NetworkSpec& network, std::uint64_t seed)
    : device_(device), network_(network), started_(network.layers.size()) {
  for (int l = 1; l < network.depth(); ++l) {
    const ConvShape s = shape(l);
    g_.emplace_back(device, s.weights());
    const double fan_in = 9.0 * s.out.channels / (s.step() * s.step());
    const std::vector<float> blank(s.weights());
    g_.back().weights.write(
        conv_from_logical(s, uniform(seed, 2 * l, conv_to_logical(s, blank.data(), conv_name(l)), fan_in)));
  }
  const HeadShape s = head();
  g_.emplace_back(device, s.weights());
  const std::vector<float> blank(s.weights());
  g_.back().weights.write(head_from_logical(
      s, uniform(seed, 2 * network.depth() - 1, head_to_logical(s, blank.data(), head_name), s.embedding)));
}

ConvShape TargetFeedback::shape(int l) const {
  ConvShape s = network_.conv(l);
  if (s.pools()) s.down = Downsample::stride;
  return s;
}

void TargetFeedback::apply(int l, const Extent& extent, ConstFloats above, ConstFloats activity, ConstFlags active,
                           Floats below) const {
  if (l == network_.depth()) {
    // The head's transposed product is the same sum as an error's way down through it.
    device_.head_input_gradient(
        {head(), extent, above, {synapses(l).weights.shared(), false}, activity, Activation::none, active, below});
  } else {
    device_.conv_transpose(
        {shape(l), extent, above, synapses(l).weights.shared(), network_.conv(l - 1).activation, active, below});
  }
}

void TargetFeedback::accumulate(int l, const Extent& extent, ConstFloats above, ConstFloats below, Floats scratch,
                                Floats loss) {
  const bool top = l == network_.depth();
  const bool started = started_[static_cast<std::size_t>(l) - 1];
  apply(l, extent, above, below, {}, scratch);
  const Activation activation = top ? Activation::none : network_.conv(l - 1).activation;
  device_.target_error({network_.map(l).size(), extent, scratch, below, activation, 2.0f, {}, scratch, loss});
  const Floats gradient = synapses(l).gradient.shared();
  if (top) {
    device_.head_weight_gradient({head(), extent, scratch, above, {}, gradient, started});
  } else {
    device_.conv_weight_gradient({shape(l), extent, scratch, above, {}, {}, gradient, started});
  }
  started_[static_cast<std::size_t>(l) - 1] = true;
}

void TargetFeedback::step(int l, float rate) {
  synapses(l).step(device_, rate);
  started_[static_cast<std::size_t>(l) - 1] = false;
}

void TargetFeedback::save(Checkpoint& checkpoint) const {
  for (int l = 1; l < network_.depth(); ++l) synapses(l).save(checkpoint, shape(l), conv_name(l));
  synapses(network_.depth()).save(checkpoint, head(), head_name);
}

void TargetFeedback::load(const Checkpoint& checkpoint) {
  for (int l = 1; l < network_.depth(); ++l) synapses(l).load(checkpoint, shape(l), conv_name(l));
  synapses(network_.depth()).load(checkpoint, head(), head_name);
}

}  // namespace saccade
