#include <fmt/format.h>

#include <cmath>

#include "tools/check/device_check.h"

/// Convolutions of every layer, in exact arithmetic.
namespace saccade::check {
namespace {

using enum Active;

/// Numbers whose products and sums are exact in single precision: winners are then the same on every device, and pools
/// have equal values, of which the first must win.
constexpr Range exact{-1, 1, 0.125f};

struct Layer {
  ConvShape shape;
  Activation below;  ///< of the layer that made shape.in
  bool on_image;

  /// Weights large enough for some activity to saturate.
  Range weights() const {
    const float bound = 3 / std::sqrt(9 * static_cast<float>(shape.in.channels));
    return {-bound, bound, 0};
  }
  const DeviceBuffer<float>& input(Trial& t, const Extent& extent) const {
    return on_image ? t.maps(shape.in, extent, Range{0, 1, 0}) : t.maps(shape.in, extent, below);
  }
};

const DeviceBuffer<float>& packed(Trial& t, const ConvShape& shape, int replicas) {
  return t.zeros<float>(t.device().packed_size(shape, Way::up, Arithmetic::exact), {replicas, 1});
}

void conv_forward(Trial& t, const Layer& layer, const Extent& extent) {
  const auto &input = layer.input(t, extent),
             &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &ready = packed(t, layer.shape, extent.replicas), &output = t.zeros<float>(layer.shape.out.size(), extent);
  t.device().conv_pack({layer.shape, extent, Way::up, Arithmetic::exact, {weights.shared()}, {}, ready.shared()});
  t.calls<ConvForward>(&Device::conv_forward,
                       {layer.shape, extent, input.strided(), ready.shared(), output.strided(), {}});
  t.compare(output);
}

void conv_forward_with_winners(Trial& t, const Layer& layer, const Extent& extent) {
  const auto &input = t.maps(layer.shape.in, extent, exact),
             &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, exact),
             &ready = packed(t, layer.shape, extent.replicas), &output = t.zeros<float>(layer.shape.out.size(), extent);
  const auto& winners = t.zeros<std::uint8_t>(layer.shape.winners(), extent);
  t.device().conv_pack({layer.shape, extent, Way::up, Arithmetic::exact, {weights.shared()}, {}, ready.shared()});
  t.calls<ConvForward>(&Device::conv_forward,
                       {layer.shape, extent, input.strided(), ready.shared(), output.strided(), winners.strided()});
  t.compare(output);
  t.compare(winners, same_bits);
}

/// Weights of every position's own are read as they are stored.
void conv_forward_local(Trial& t, const Layer& layer, const Extent& extent) {
  const auto &input = layer.input(t, extent),
             &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &output = t.zeros<float>(layer.shape.out.size(), extent);
  t.calls<ConvForward>(&Device::conv_forward,
                       {layer.shape, extent, input.strided(), weights.shared(), output.strided(), {}});
  t.compare(output);
}

/// All layers in one call; inputs of the upper ones are outputs of the lower.
void conv_forward_all(Trial& t, const std::vector<Layer>& layers, const Extent& extent) {
  std::vector<ConvForward> ops;
  ConstFloats below = layers.front().input(t, extent).strided();
  for (const Layer& layer : layers) {
    const auto &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
               &ready = packed(t, layer.shape, extent.replicas),
               &output = t.zeros<float>(layer.shape.out.size(), extent);
    t.device().conv_pack({layer.shape, extent, Way::up, Arithmetic::exact, {weights.shared()}, {}, ready.shared()});
    ops.push_back({layer.shape, extent, below, ready.shared(), output.strided(), {}});
    below = output.strided();
    t.compare(output);
  }
  t.call = [&t, ops] { t.device().conv_forward(ops); };
}

/// Packs again after the weights have changed, of the replicas with an active view. Layouts are the devices' own: what
/// a forward pass makes of them is compared.
void conv_pack(Trial& t, const Layer& layer, const Extent& extent, Active active) {
  const auto &input = layer.input(t, extent),
             &before = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &ready = packed(t, layer.shape, extent.replicas), &output = t.zeros<float>(layer.shape.out.size(), extent);
  t.device().conv_pack({layer.shape, extent, Way::up, Arithmetic::exact, {before.shared()}, {}, ready.shared()});
  t.calls<ConvPack>(
      &Device::conv_pack,
      {layer.shape, extent, Way::up, Arithmetic::exact, {weights.shared()}, t.flags(extent, active), ready.shared()});
  t.afterwards = [&t, op = ConvForward{layer.shape, extent, input.strided(), ready.shared(), output.strided(), {}}] {
    t.device().conv_forward(op);
  };
  t.compare(output);
}

void conv_weight_gradient(Trial& t, const Layer& layer, const Extent& extent, Active active, bool accumulate) {
  const auto &input = layer.input(t, extent), &error = t.maps(layer.shape.out, extent),
             &gradient = t.floats(layer.shape.weights(), {extent.replicas, 1});
  t.spoil_inactive(error, active);
  t.calls<ConvWeightGradient>(&Device::conv_weight_gradient, {layer.shape, extent, input.strided(), error.strided(),
                                                              t.winners(layer.shape, extent).strided(),
                                                              t.flags(extent, active), gradient.shared(), accumulate});
  t.compare(gradient, rounding_of(static_cast<double>(layer.shape.out.height) * layer.shape.out.width * extent.views));
}

void conv_input_gradient(Trial& t, const Layer& layer, const Extent& extent, Active active, bool sign_only) {
  const auto &input = layer.input(t, extent), &error = t.maps(layer.shape.out, extent),
             &feedback = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &below = t.zeros<float>(layer.shape.in.size(), extent);
  t.spoil_inactive(error, active);
  t.calls<ConvInputGradient>(&Device::conv_input_gradient, {layer.shape,
                                                            extent,
                                                            error.strided(),
                                                            t.winners(layer.shape, extent).strided(),
                                                            {feedback.shared(), sign_only},
                                                            input.strided(),
                                                            layer.below,
                                                            t.flags(extent, active),
                                                            below.strided()});
  t.compare(below);
}

void conv_transpose(Trial& t, const Layer& layer, const Extent& extent, Active active) {
  const auto &input = t.maps(layer.shape.out, extent),
             &weights = t.floats(layer.shape.weights(), {extent.replicas, 1}, layer.weights()),
             &output = t.maps(layer.shape.in, extent);
  t.spoil_inactive(input, active);
  t.calls<ConvTranspose>(&Device::conv_transpose, {layer.shape, extent, input.strided(), weights.shared(), layer.below,
                                                   t.flags(extent, active), output.strided()});
  t.compare(output);
}

}  // namespace

std::vector<Case> convolution_cases(const NetworkSpec& network, int views) {
  const Extent one{1, views}, three{3, (views + 2) / 3};
  std::vector<Layer> layers;
  std::vector<Case> all_cases;
  const auto add = [&](const char* operation, const std::string& detail, const std::function<void(Trial&)>& prepare) {
    all_cases.push_back({operation, detail, prepare});
  };
  for (int i = 0; i < network.depth(); ++i) {
    const Layer layer{network.conv(i), i > 0 ? network.conv(i - 1).activation : Activation::none, i == 0};
    layers.push_back(layer);
    const std::string where = fmt::format("layer {}", i);
    add("conv_pack", where, [=](Trial& t) { conv_pack(t, layer, one, all); });
    add("conv_forward", where, [=](Trial& t) { conv_forward(t, layer, one); });
    if (layer.shape.pools())
      add("conv_forward", where + ", winners", [=](Trial& t) { conv_forward_with_winners(t, layer, one); });
    add("conv_weight_gradient", where, [=](Trial& t) { conv_weight_gradient(t, layer, one, all, false); });
    Layer local = layer;
    local.shape.sharing = Sharing::local;
    constexpr std::size_t most_local_weights = std::size_t{1} << 25;
    const bool checks_local = local.shape.weights() <= most_local_weights;
    if (checks_local) {
      add("conv_forward", where + ", local", [=](Trial& t) { conv_forward_local(t, local, one); });
      add("conv_weight_gradient", where + ", local",
          [=](Trial& t) { conv_weight_gradient(t, local, one, all, false); });
    }
    if (i == 0) continue;
    if (checks_local)
      add("conv_input_gradient", where + ", local, some views",
          [=](Trial& t) { conv_input_gradient(t, local, one, some, false); });
    add("conv_input_gradient", where, [=](Trial& t) { conv_input_gradient(t, layer, one, all, false); });
    // Where the way up pools, the way down of target propagation has a stride (models/target_feedback.h).
    Layer without_pool = layer;
    if (layer.shape.pools()) without_pool.shape.down = Downsample::stride;
    add("conv_transpose", where, [=](Trial& t) { conv_transpose(t, without_pool, one, all); });
    if (i + 1 < network.depth()) continue;
    add("conv_pack", where + ", R=3, some replicas", [=](Trial& t) { conv_pack(t, layer, three, not_replica_1); });
    add("conv_forward", where + ", R=3", [=](Trial& t) { conv_forward(t, layer, three); });
    add("conv_weight_gradient", where + ", R=3, some views, accumulated",
        [=](Trial& t) { conv_weight_gradient(t, layer, three, some, true); });
    add("conv_input_gradient", where + ", R=3, some views, signs",
        [=](Trial& t) { conv_input_gradient(t, layer, three, some, true); });
    add("conv_transpose", where + ", R=3, some views", [=](Trial& t) { conv_transpose(t, without_pool, three, some); });
  }
  add("conv_forward", "all layers", [=](Trial& t) { conv_forward_all(t, layers, one); });
  return all_cases;
}

}  // namespace saccade::check
