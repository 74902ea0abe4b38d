#include "models/parameters.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/error.h"
#include "engine/random.h"
#include "models/layout.h"

namespace saccade {
namespace {

/// Entities of the random draws: convolution i is 2 i, the head on it 2 i + 1.
Tensor uniform_tensor(const WeightsDraw& draw, Purpose purpose, int entity, Tensor tensor, std::size_t fan_in) {
  const Random random(draw.seed, purpose, static_cast<std::uint32_t>(entity), draw.replica);
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(fan_in)));
  for (std::size_t i = 0; i < tensor.data.size(); ++i)
    tensor.data[i] = random.uniform(static_cast<std::uint32_t>(i), -bound, bound);
  return tensor;
}

std::vector<WeightsDraw> draws_of(std::uint64_t seed, int replicas) {
  std::vector<WeightsDraw> draws;
  for (int r = 0; r < replicas; ++r) draws.push_back({seed, static_cast<std::uint64_t>(r)});
  return draws;
}

const Tensor& find(const std::vector<Tensor>& tensors, const std::string& name) {
  for (const Tensor& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw InputError("weights: tensor " + name + " is missing; the network needs it");
}

std::string numbered(const char* prefix, int layer) { return prefix + std::to_string(layer) + ".weight"; }

}  // namespace

Parameters::Parameters(Device& device, const NetworkSpec& network, const Rule& rule, Heads heads, std::uint64_t seed,
                       int replicas, Arithmetic arithmetic)
    : Parameters(device, network, rule, heads, draws_of(seed, replicas), arithmetic) {}

Parameters::Parameters(Device& device, const NetworkSpec& network, const Rule& rule, Heads heads,
                       const std::vector<WeightsDraw>& draws, Arithmetic arithmetic)
    : network_(network),
      rule_(rule),
      heads_(heads),
      replicas_(static_cast<int>(draws.size())),
      arithmetic_(arithmetic),
      conv_(network.layers.size()),
      head_(network.layers.size()) {
  check_network(network);
  for (int i = 0; i < network.depth(); ++i) {
    const ConvShape shape = network.conv(i);
    const HeadShape head_shape = network.head(i);
    // Layer-wise, an error passes a head only; end to end it also passes every convolution but the lowest.
    const bool passed = heads == Heads::top_only && i > 0 && !rule.targets;
    const bool conv_feedback = rule.own_feedback && passed;
    conv(i).forward = {device, shape.weights(), replicas_};
    conv(i).packed = {device, device.packed_size(shape, Way::up, arithmetic), replicas_};
    if (passed) conv(i).packed_feedback = {device, device.packed_size(shape, Way::down, arithmetic), replicas_};
    if (conv_feedback) conv(i).feedback = {device, shape.weights(), replicas_};
    if (has_head(i)) {
      head(i).forward = {device, head_shape.weights(), replicas_};
      if (rule.own_feedback) head(i).feedback = {device, head_shape.weights(), replicas_};
    }
    const std::vector<float> blank(std::max(shape.weights(), head_shape.weights()));
    const std::size_t conv_fan_in = std::size_t{9} * shape.in.channels, head_fan_in = head_shape.in.features();
    for (int r = 0; r < replicas_; ++r) {
      const WeightsDraw& drawn = draws[static_cast<std::size_t>(r)];
      auto draw_conv = [&](Purpose purpose) {
        return conv_from_logical(
            shape, uniform_tensor(drawn, purpose, 2 * i, conv_to_logical(shape, blank.data(), ""), conv_fan_in));
      };
      auto draw_head = [&](Purpose purpose) {
        return head_from_logical(
            head_shape,
            uniform_tensor(drawn, purpose, 2 * i + 1, head_to_logical(head_shape, blank.data(), ""), head_fan_in));
      };
      conv(i).forward.write_replica(r, draw_conv(Purpose::initial_weights));
      if (conv(i).feedback) conv(i).feedback.write_replica(r, draw_conv(Purpose::feedback_weights));
      if (head(i).forward) head(i).forward.write_replica(r, draw_head(Purpose::initial_weights));
      if (head(i).feedback) head(i).feedback.write_replica(r, draw_head(Purpose::feedback_weights));
    }
    pack(device, i);
  }
}

Feedback Parameters::carrier(const Synapses& synapses) const {
  return {rule_.own_feedback ? synapses.feedback.shared() : synapses.forward.shared(), rule_.sign_only};
}

Floats Parameters::learning_feedback(const Synapses& synapses) const {
  return rule_.feedback_learns && synapses.feedback ? synapses.feedback.shared() : Floats{};
}

void Parameters::pack(Device& device, int layer, ConstFlags active, int views) {
  const ConvShape shape = network_.conv(layer);
  const Synapses& synapses = conv(layer);
  if (synapses.packed)
    device.conv_pack({shape,
                      {replicas_, views},
                      Way::up,
                      arithmetic_,
                      {synapses.forward.shared()},
                      active,
                      synapses.packed.shared()});
  if (synapses.packed_feedback)
    device.conv_pack({shape,
                      {replicas_, views},
                      Way::down,
                      arithmetic_,
                      carrier(synapses),
                      active,
                      synapses.packed_feedback.shared()});
}

void Parameters::save(std::vector<Tensor>& tensors, int replica) const {
  for (int i = 0; i < network_.depth(); ++i) {
    const ConvShape shape = network_.conv(i);
    const HeadShape head_shape = network_.head(i);
    tensors.push_back(conv_to_logical(shape, conv(i).forward.read_replica(replica).data(), numbered("conv.", i)));
    if (conv(i).feedback)
      tensors.push_back(
          conv_to_logical(shape, conv(i).feedback.read_replica(replica).data(), numbered("feedback.conv.", i)));
    if (head(i).forward)
      tensors.push_back(
          head_to_logical(head_shape, head(i).forward.read_replica(replica).data(), numbered("head.", i)));
    if (head(i).feedback)
      tensors.push_back(
          head_to_logical(head_shape, head(i).feedback.read_replica(replica).data(), numbered("feedback.head.", i)));
  }
}

void Parameters::load(Device& device, const std::vector<Tensor>& tensors, int replica) {
  for (int i = 0; i < network_.depth(); ++i) {
    const ConvShape shape = network_.conv(i);
    const HeadShape head_shape = network_.head(i);
    conv(i).forward.write_replica(replica, conv_from_logical(shape, find(tensors, numbered("conv.", i))));
    if (conv(i).feedback)
      conv(i).feedback.write_replica(replica, conv_from_logical(shape, find(tensors, numbered("feedback.conv.", i))));
    if (head(i).forward)
      head(i).forward.write_replica(replica, head_from_logical(head_shape, find(tensors, numbered("head.", i))));
    if (head(i).feedback)
      head(i).feedback.write_replica(replica,
                                     head_from_logical(head_shape, find(tensors, numbered("feedback.head.", i))));
    pack(device, i);
  }
}

void copy_convolutions(Device& device, const Parameters& from, Parameters& to) {
  for (int i = 0; i < from.network().depth(); ++i) {
    if (i >= to.network().depth() || from.network().conv(i).weights() != to.network().conv(i).weights())
      throw std::invalid_argument("copy_convolutions: the networks have other layers");
    device.copy(to.conv(i).forward.data(), from.conv(i).forward.data(),
                from.conv(i).forward.size() * static_cast<std::size_t>(from.replicas()) * sizeof(float));
    to.pack(device, i);
  }
}

}  // namespace saccade
