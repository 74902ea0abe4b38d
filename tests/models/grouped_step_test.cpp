#include <doctest/doctest.h>

#include "tests/models/support.h"
#include "tests/reference/devices.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr int pairs = PairStep::views_at_once + 13;  // the last group is not full

NetworkSpec small_network() {
  using enum Activation;
  return {"small", 2, 9, 10, {{16, Downsample::max_pool, hardtanh}, {20, Downsample::none, tanh}}, 12};
}

/// Weights after three steps of an optimiser, and what the steps saw.
struct Result {
  std::vector<Tensor> weights;
  double loss = 0, active = 0;
};

Result learned(Device& device, const std::string& optimiser, PairStepOptions options, Arithmetic arithmetic,
               bool grouped) {
  const NetworkSpec net = small_network();
  Parameters parameters(device, net, make_rule("bp"),
                        options.layer == end_to_end ? Heads::top_only : Heads::every_layer, 3, 1, arithmetic);
  const Rates rates{std::vector<float>(2, 1e-3f), std::vector<float>(2, 1e-3f)};
  const auto steps =
      optimiser == "adam" ? make_adam(device, net, Heads::every_layer, {rates}) : make_sgd(device, net, {rates});
  Plasticity whole(device, parameters, 2 * pairs);
  PairStep step = grouped ? PairStep(device, parameters, pairs) : PairStep(device, parameters, pairs, whole);
  Result result;
  for (std::uint64_t i = 0; i < 3; ++i) {
    const Pairs seen = grating_pairs(net, pairs);
    step.run(seen.a, seen.b, options, *steps);
    result.loss += step.sums().loss;
    result.active += step.sums().positive_active + step.sums().negative_active;
  }
  result.weights = tensors_of(parameters);
  return result;
}

}  // namespace

TEST_CASE("a batch taken in groups takes the same step as one held as a whole") {
  const auto device = make_cpu_device(2);
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
    for (const std::string optimiser : {"adam", "sgd"})
      for (const std::string loss : {"hinge", "simclr"})
        for (const bool block : {true, false})
          for (const int layer : {end_to_end, 0, 1}) {
            if (loss == "simclr" && block) continue;
            CAPTURE(to_string(arithmetic));
            CAPTURE(optimiser);
            CAPTURE(loss);
            CAPTURE(block);
            CAPTURE(layer);
            PairStepOptions options;
            options.loss = loss;
            options.block = block;
            options.layer = layer;
            options.margins = {0.2f, 3};
            const Result want = learned(*device, optimiser, options, arithmetic, false);
            const Result got = learned(*device, optimiser, options, arithmetic, true);
            // Plain SGD changes a head view by view where all are at hand, and by their sum where they are not.
            const bool same = arithmetic == Arithmetic::exact && optimiser == "adam";
            if (same) CHECK(got.loss == want.loss);
            if (loss == "hinge") CHECK(want.active > 0);
            REQUIRE(got.weights.size() == want.weights.size());
            for (std::size_t i = 0; i < want.weights.size(); ++i) {
              CAPTURE(want.weights[i].name);
              if (same)
                CHECK(reference::same_bits(got.weights[i].data, want.weights[i].data));
              else
                CHECK_CLOSE(reference::compare_norm(got.weights[i].data,
                                                    {want.weights[i].data.begin(), want.weights[i].data.end()}, 1e-5));
            }
          }
}

TEST_CASE("layers in one call have the same bits as one after the other") {
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
    CAPTURE(to_string(arithmetic));
    const NetworkSpec net = known_network("conv3");
    const Pairs seen = grating_pairs(net, 50);
    std::vector<std::vector<float>> found;
    for (const int threads : {1, 2, 5})
      for (const bool at_once : {true, false}) {
        Device& device = *reference::cpu_device("portable", threads);
        const Parameters parameters(device, net, make_rule("bp"), Heads::top_only, 3, 1, arithmetic);
        Activity activity(device, net, 50);
        const Views views{activity, 0, 50};
        show(device, net, seen.a, views);
        if (at_once)
          ascend(device, parameters, views, 0, net.depth());
        else
          for (int i = 0; i < net.depth(); ++i) ascend(device, parameters, views, i, i + 1);
        found.push_back(activity.map_buffer(net.depth()).read());
        CHECK(reference::same_bits(found.back(), found.front()));
      }
    CHECK(found.front() != std::vector<float>(found.front().size()));
  }
}
