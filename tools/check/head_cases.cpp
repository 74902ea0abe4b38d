#include <fmt/format.h>

#include "tools/check/device_check.h"

/// Heads on every layer.
namespace saccade::check {
namespace {

using enum Active;

struct Head {
  HeadShape shape;
  Activation activation;  ///< of the layer that made shape.in

  const DeviceBuffer<float>& input(Trial& t, const Extent& extent) const {
    return t.maps(shape.in, extent, activation);
  }
  const DeviceBuffer<float>& embeddings(Trial& t, const Extent& extent) const {
    return t.rows(1, shape.embedding, extent);
  }
  const DeviceBuffer<float>& weights(Trial& t, const Extent& extent) const {
    return t.rows(shape.in.features(), shape.embedding, {extent.replicas, 1});
  }
};

void head_forward(Trial& t, const Head& head, const Extent& extent, Active active) {
  const auto &input = head.input(t, extent), &weights = head.weights(t, extent),
             &embedding = head.embeddings(t, extent);
  t.spoil_inactive(input, active);
  t.calls<HeadForward>(&Device::head_forward, {head.shape, extent, input.strided(), weights.shared(),
                                               embedding.strided(), t.flags(extent, active)});
  t.compare(embedding);
}

void head_input_gradient(Trial& t, const Head& head, const Extent& extent, Active active, bool sign_only) {
  const auto &input = head.input(t, extent), &error = head.embeddings(t, extent), &feedback = head.weights(t, extent),
             &below = t.maps(head.shape.in, extent);
  t.spoil_inactive(error, active);
  t.calls<HeadInputGradient>(&Device::head_input_gradient, {head.shape,
                                                            extent,
                                                            error.strided(),
                                                            {feedback.shared(), sign_only},
                                                            input.strided(),
                                                            head.activation,
                                                            t.flags(extent, active),
                                                            below.strided(),
                                                            sign_only});
  t.compare(below);
}

void head_weight_gradient(Trial& t, const Head& head, const Extent& extent, Active active, bool accumulate) {
  const auto &input = head.input(t, extent), &error = head.embeddings(t, extent), &gradient = head.weights(t, extent);
  t.spoil_inactive(error, active);
  t.calls<HeadWeightGradient>(&Device::head_weight_gradient, {head.shape, extent, input.strided(), error.strided(),
                                                              t.flags(extent, active), gradient.shared(), accumulate});
  t.compare(gradient);
}

void head_hebb(Trial& t, const Head& head, const Extent& extent, Active active) {
  const auto &input = head.input(t, extent), &error = head.embeddings(t, extent), &weights = head.weights(t, extent),
             &feedback = head.weights(t, extent);
  const auto& rate = t.put(rates(extent.replicas), 1, {extent.replicas, 1});
  t.spoil_inactive(error, active);
  t.calls<HeadHebb>(&Device::head_hebb, {head.shape, extent, input.strided(), error.strided(), t.flags(extent, active),
                                         rate.shared(), weights.shared(), feedback.shared()});
  t.compare(weights);
  t.compare(feedback);
}

void head_descend(Trial& t, const Head& head, const Extent& extent, Active active) {
  const auto &input = head.input(t, extent), &error = head.embeddings(t, extent), &weights = head.weights(t, extent),
             &below = t.maps(head.shape.in, extent);
  const auto& rate = t.put(rates(extent.replicas), 1, {extent.replicas, 1});
  t.spoil_inactive(error, active);
  const ConstFlags flags = t.flags(extent, active);
  t.calls<HeadDescend>(
      &Device::head_descend,
      {{head.shape,
        extent,
        error.strided(),
        {weights.shared()},
        input.strided(),
        head.activation,
        flags,
        below.strided()},
       {head.shape, extent, input.strided(), error.strided(), flags, rate.shared(), weights.shared(), {}}});
  t.compare(below);
  t.compare(weights);
}

}  // namespace

std::vector<Case> head_cases(const NetworkSpec& network, int views) {
  const Extent view{1, 1}, one{1, views}, three{3, (views + 2) / 3};
  std::vector<Case> cases;
  const auto add = [&](const char* operation, const std::string& detail, const std::function<void(Trial&)>& prepare) {
    cases.push_back({operation, detail, prepare});
  };
  for (int i = 0; i < network.depth(); ++i) {
    const Head head{network.head(i), network.head_average > 1 ? Activation::none : network.conv(i).activation};
    const std::string where = fmt::format("layer {}", i);
    add("head_forward", where + ", 1 view", [=](Trial& t) { head_forward(t, head, view, all); });
    add("head_forward", where, [=](Trial& t) { head_forward(t, head, one, all); });
    add("head_input_gradient", where, [=](Trial& t) { head_input_gradient(t, head, one, all, false); });
    add("head_weight_gradient", where, [=](Trial& t) { head_weight_gradient(t, head, one, all, false); });
    add("head_hebb", where + ", 1 view", [=](Trial& t) { head_hebb(t, head, view, all); });
    add("head_descend", where + ", 1 view", [=](Trial& t) { head_descend(t, head, view, all); });
  }
  const Head top{network.head(network.depth() - 1), network.conv(network.depth() - 1).activation};
  const std::string where = fmt::format("layer {}, R=3, some views", network.depth() - 1);
  add("head_forward", where, [=](Trial& t) { head_forward(t, top, three, some); });
  add("head_input_gradient", where + ", signs, accumulated",
      [=](Trial& t) { head_input_gradient(t, top, three, some, true); });
  add("head_weight_gradient", where + ", accumulated",
      [=](Trial& t) { head_weight_gradient(t, top, three, some, true); });
  add("head_hebb", where, [=](Trial& t) { head_hebb(t, top, three, some); });
  add("head_descend", where, [=](Trial& t) { head_descend(t, top, three, some); });
  return cases;
}

}  // namespace saccade::check
