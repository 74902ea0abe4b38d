#include <doctest/doctest.h>

#include "tests/models/support.h"
#include "tests/reference/losses.h"

using namespace saccade;
using namespace saccade::test;

// What PairStep gives to an optimiser, against the reference's whole-network gradients in double precision.
namespace {

constexpr int pair_count = 5;

/// Odd sizes, a pool that cuts a row and a column, channels that are no multiples of 16, every activation.
NetworkSpec odd_network(int embedding = 20) {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  return {"odd", 3, 11, 9, {{20, dense, hardtanh}, {33, pool, relu}, {20, dense, tanh}, {33, pool, none}}, embedding};
}

/// Relative L2 error that rounding alone explains. An error signal passes at most depth forward sums, the loss, depth
/// backward sums and the sum of the gradient: 2 depth + 3 hops. In a sum of n terms of random signs, rounding makes a
/// random walk of n steps, each at most u times a partial sum that grows like sqrt(k): relative to the result about
/// u sqrt(n / 6). The longest sums here have n = 9 * 33 terms (convolutions) and n = 99 * 10 (gradient of the lowest
/// layer), mostly less: 7 u. Derivatives of tanh lose a further factor near saturation: 2.
constexpr double rounding_limit(int depth) { return (2 * depth + 3) * 7 * 2 * ref::unit_roundoff; }

struct Case {
  std::string rule;
  int layer = end_to_end;
  PairStepOptions options;
};

struct Totals {
  double worst = 0;
  int tensors = 0;
};

ref::Rule reference_rule(const std::string& name) {
  if (name == "bp") return ref::Rule::bp;
  if (name == "rf") return ref::Rule::rf;
  if (name == "urf") return ref::Rule::urf;
  return name == "sign" ? ref::Rule::sign : ref::Rule::sign_forward;
}

/// Compares every gradient tensor; what the reference leaves at zero must not be there at all.
void compare(const NetworkSpec& net, int layer, const std::vector<Tensor>& got, const ref::NetworkGradients& want,
             double limit, Totals& totals) {
  CHECK(got.size() == static_cast<std::size_t>(layer == end_to_end ? net.depth() + 1 : 2));
  for (const Tensor& t : got) {
    CAPTURE(t.name);
    const auto i = static_cast<std::size_t>(t.name[5] - '0');
    const std::vector<double>& w = t.name.starts_with("conv.") ? want.gradient.convs[i].v : want.gradient.heads[i].v;
    CHECK_CLOSE(ref::compare_norm(t.data, w, limit));
    totals.worst = std::max(totals.worst, relative_l2(t.data, {w.begin(), w.end()}));
    ++totals.tensors;
  }
}

Totals check_loss(const std::function<void(Device&, PairStep&, const Pairs&, PairStepOptions&)>& prepare,
                  const std::function<ref::Loss(const PairStepOptions&)>& loss, double limit,
                  const NetworkSpec& net = odd_network()) {
  const auto device = make_cpu_device(2);
  const Pairs pairs = grating_pairs(net, pair_count);
  const ref::Images a = reference_images(net, pairs.a, pair_count), b = reference_images(net, pairs.b, pair_count);
  Totals totals;
  for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward"})
    for (int layer = end_to_end; layer < net.depth(); ++layer) {
      CAPTURE(rule);
      CAPTURE(layer);
      Parameters parameters(*device, net, make_rule(rule), layer == end_to_end ? Heads::top_only : Heads::every_layer,
                            3);
      scale_convolutions(*device, parameters, 3);
      CHECK(saturated(*device, parameters, pairs, 0) > 0);
      PairStep step(*device, parameters, pair_count);
      PairStepOptions options;
      options.layer = layer;
      prepare(*device, step, pairs, options);
      GradientAccumulator gradients(*device, net);
      const double value = step.run(pairs.a, pairs.b, options, gradients);
      const std::vector<Tensor> tensors = tensors_of(parameters);
      const ref::NetworkGradients want =
          ref::network_gradients(reference_network(net, tensors), reference_network(net, tensors, "feedback."),
                                 reference_rule(rule), layer, a, b, loss(options));
      CHECK(want.loss > 0);
      CHECK(std::fabs(value - want.loss) <= limit * want.loss);
      compare(net, layer, gradients.gradients(), want, limit, totals);
    }
  return totals;
}

}  // namespace

TEST_CASE("gradients of the hinge against the reference: few and all negatives, blocked or not") {
  for (int negatives : {2, PairStepOptions::all_others})
    for (bool block : {true, false}) {
      CAPTURE(negatives);
      CAPTURE(block);
      const Totals totals = check_loss(
          [&](Device&, PairStep& step, const Pairs& pairs, PairStepOptions& options) {
            options.margins = median_margins(step, pairs, options.layer, 20, negatives);
            options.negatives = negatives;
            options.negative_weight = 0.3f;
            options.block = block;
          },
          [](const PairStepOptions& o) {
            return ref::batch_hinge(o.negatives, o.negative_weight, static_cast<double>(o.margins.positive),
                                    static_cast<double>(o.margins.negative), o.block);
          },
          rounding_limit(4));
      CHECK(totals.tensors == 5 * (5 + 4 * 2));
    }
}

namespace {

/// The hinge of two negatives with margins in the middle of the distances, under every rule and for every layer.
void check_hinge(const NetworkSpec& net, bool block) {
  const Totals totals = check_loss(
      [&](Device&, PairStep& step, const Pairs& pairs, PairStepOptions& options) {
        options.margins = median_margins(step, pairs, options.layer, 20, 2);
        options.negatives = 2;
        options.block = block;
      },
      [](const PairStepOptions& o) {
        return ref::batch_hinge(o.negatives, o.negative_weight, static_cast<double>(o.margins.positive),
                                static_cast<double>(o.margins.negative), o.block);
      },
      rounding_limit(4), net);
  CHECK(totals.tensors == 5 * (5 + 4 * 2));
}

}  // namespace

TEST_CASE("gradients against the reference where heads read averaged maps") {
  NetworkSpec net = odd_network();  // maps of 11x9, 5x4, 5x4 and 2x2: odd rows and columns are left out
  net.head_average = 2;
  CHECK(net.head(0).in.features() == 5 * 4 * 20);
  CHECK(net.head(3).in.features() == 33);
  for (bool block : {true, false}) {
    CAPTURE(block);
    check_hinge(net, block);
  }
}

TEST_CASE("gradients of locally connected layers against the reference") {
  for (bool block : {true, false}) {
    CAPTURE(block);
    check_hinge(local_network(), block);
  }
}

TEST_CASE("gradients of SimCLR against the reference") {
  const Totals totals =
      check_loss([](Device&, PairStep&, const Pairs&, PairStepOptions& options) { options.loss = "simclr"; },
                 [](const PairStepOptions& o) {
                   return [t = static_cast<double>(o.temperature)](const ref::Matrix& a, const ref::Matrix& b) {
                     return ref::simclr(a, b, t);
                   };
                 },
                 rounding_limit(4));
  CHECK(totals.tensors == 5 * (5 + 4 * 2));
}

TEST_CASE("gradients of the supervised loss against the reference, with the bias") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = odd_network(10);
  const Pairs pairs = grating_pairs(net, pair_count);
  const ref::Images b = reference_images(net, pairs.b, pair_count);
  const std::vector<std::int32_t> labels{3, 0, 9, 9, 1};
  ref::Draw draw(5);
  std::vector<float> bias(16);
  for (int i = 0; i < 10; ++i) bias[static_cast<std::size_t>(i)] = static_cast<float>(draw.uniform(-1, 1));
  DeviceBuffer<float> device_bias(*device, 16), bias_gradient(*device, 16);
  device_bias.write(bias);
  for (const std::string rule : {"bp", "rf", "sign-forward"})
    for (int layer : {end_to_end, 1}) {
      CAPTURE(rule);
      CAPTURE(layer);
      Parameters parameters(*device, net, make_rule(rule), Heads::every_layer, 3);
      if (layer == end_to_end) parameters = Parameters(*device, net, make_rule(rule), Heads::top_only, 3);
      scale_convolutions(*device, parameters, 3);
      PairStep step(*device, parameters, pair_count);
      PairStepOptions options;
      options.layer = layer;
      options.loss = "supervised";
      GradientAccumulator gradients(*device, net);
      const double value =
          step.run(pairs.a, pairs.b, options, gradients, labels, device_bias.shared(), bias_gradient.shared());
      ref::CrossEntropyOut out;
      const ref::Loss loss = [&](const ref::Matrix& x, const ref::Matrix& y) {
        out = ref::cross_entropy(y, {bias.begin(), bias.begin() + 10}, {labels.begin(), labels.end()});
        return ref::PairLoss{out.loss, ref::Matrix(x.rows, x.columns), out.error, {}, {}};
      };
      const std::vector<Tensor> tensors = tensors_of(parameters);
      const ref::NetworkGradients want =
          ref::network_gradients(reference_network(net, tensors), reference_network(net, tensors, "feedback."),
                                 reference_rule(rule), layer, b, b, loss);
      CHECK(std::fabs(value - want.loss) <= rounding_limit(4) * want.loss);
      Totals totals;
      compare(net, layer, gradients.gradients(), want, rounding_limit(4), totals);
      std::vector<float> got = bias_gradient.read();
      got.resize(10);
      CHECK_CLOSE(ref::compare_norm(got, out.bias_gradient, rounding_limit(4)));
      CHECK(totals.tensors == (layer == end_to_end ? 5 : 2));
    }
}

TEST_CASE("the comparison with the reference notices one wrong sign of one feedback weight") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = odd_network();
  const Pairs pairs = grating_pairs(net, pair_count);
  Parameters parameters(*device, net, make_rule("rf"), Heads::top_only, 3);
  scale_convolutions(*device, parameters, 3);
  PairStep step(*device, parameters, pair_count);
  PairStepOptions options;
  options.margins = {0, 1e6f};
  GradientAccumulator gradients(*device, net);
  step.run(pairs.a, pairs.b, options, gradients);
  ref::Network feedback = reference_network(net, tensors_of(parameters), "feedback.");
  feedback.convs[3].v[1234] *= -1;
  const ref::NetworkGradients want =
      ref::network_gradients(reference_network(net, tensors_of(parameters)), feedback, ref::Rule::rf, end_to_end,
                             reference_images(net, pairs.a, pair_count), reference_images(net, pairs.b, pair_count),
                             ref::batch_hinge(4, 0.2f, 0, 1e6, true));
  CHECK_FALSE(ref::compare_norm(gradients.gradients().front().data, want.gradient.convs[0].v, rounding_limit(4)));
}
