#include "models/batch_learner.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

namespace {

NetworkSpec small_network() {
  using enum Activation;
  return {"small", 2, 9, 10, {{16, Downsample::max_pool, hardtanh}, {20, Downsample::none, tanh}}, 12};
}

BatchOptions options_of(const NetworkSpec& net, const std::string& loss, const std::string& schedule,
                        const std::string& optimiser) {
  BatchOptions options;
  options.pairs = 6;
  options.steps = 40;
  options.schedule = schedule;
  options.optimiser = optimiser;
  options.step.loss = loss;
  options.step.negatives = 2;
  options.margins = {{0.2f, 3}};
  options.rates = {std::vector<float>(net.layers.size(), 1e-3f), std::vector<float>(net.layers.size(), 2e-3f)};
  return options;
}

const std::vector<std::int32_t> six_labels{3, 0, 11, 7, 1, 2};

}  // namespace

TEST_CASE("a step of SGD takes rate times the gradient that one step under glass shows") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (const std::string loss : {"hinge", "simclr", "supervised"})
    for (const std::string schedule : {"e2e", "rll"}) {
      if (loss == "supervised" && schedule != "e2e") continue;
      CAPTURE(loss);
      CAPTURE(schedule);
      const BatchOptions options = options_of(net, loss, schedule, "sgd");
      BatchLearner learner(*device, net, options);
      Parameters before(*device, net, make_rule("bp"), schedule == "e2e" ? Heads::top_only : Heads::every_layer,
                        options.seed);
      PairStepOptions step = options.step;
      step.layer = learner.layer(0);
      step.margins = options.margins[0];
      PairStep pair_step(*device, before, 6);
      GradientAccumulator accumulator(*device, net);
      DeviceBuffer<float> bias(*device, 16), bias_gradient(*device, 16);
      pair_step.run(pairs.a, pairs.b, step, accumulator, six_labels, bias.shared(), bias_gradient.shared());
      learner.step(pairs.a, pairs.b, six_labels);
      CHECK(learner.last().loss == pair_step.sums().loss);
      CHECK(learner.last().pairs == 6);
      const std::vector<Tensor> gradients = accumulator.gradients(), old = tensors_of(before),
                                now = tensors_of(learner.parameters());
      CHECK(gradients.size() == (schedule == "e2e" ? 3 : 2));
      for (std::size_t i = 0; i < old.size(); ++i) {
        CAPTURE(old[i].name);
        const float rate = old[i].name.starts_with("conv") ? 1e-3f : 2e-3f;
        const auto gradient =
            std::find_if(gradients.begin(), gradients.end(), [&](const Tensor& t) { return t.name == old[i].name; });
        double largest = 0, moved = 0;
        for (std::size_t j = 0; j < old[i].data.size(); ++j) {
          const double change = gradient == gradients.end() ? 0 : static_cast<double>(rate) * gradient->data[j];
          const double got = static_cast<double>(old[i].data[j]) - now[i].data[j];
          largest = std::max(largest, std::isfinite(got) ? std::fabs(got - change) : INFINITY);
          moved = std::max(moved, std::fabs(got));
        }
        // Weights are below 1/3: a view's increment is rounded once to the weight's last place, 2^-26 at most half.
        CHECK(largest <= 6 * std::ldexp(1.0, -26));
        CHECK((moved > 0) == (gradient != gradients.end()));
      }
      if (loss == "supervised")
        for (int i = 0; i < 12; ++i) CHECK(bias_gradient.read()[static_cast<std::size_t>(i)] != 0);
    }
}

TEST_CASE("every loss falls under Adam, in every schedule") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (const std::string loss : {"hinge", "simclr", "supervised"})
    for (const std::string schedule : {"e2e", "gll", "rll"}) {
      if (loss == "supervised" && schedule != "e2e") continue;
      CAPTURE(loss);
      CAPTURE(schedule);
      BatchOptions options = options_of(net, loss, schedule, "adam");
      options.step.block = false;  // with the blocked gradient a step need not lower the loss
      BatchLearner learner(*device, net, options);
      std::vector<double> first(3, -1), last(3);  // end to end, layer 0, layer 1
      for (int i = 0; i < 40; ++i) {
        const auto layer = static_cast<std::size_t>(learner.layer(learner.steps()) + 1);
        learner.step(pairs.a, pairs.b, six_labels);
        last[layer] = learner.last().loss;
        if (first[layer] < 0) first[layer] = last[layer];
      }
      for (std::size_t i = 0; i < 3; ++i)
        if (first[i] >= 0) CHECK(last[i] < 0.9 * first[i]);
      CHECK((first[0] >= 0) == (schedule == "e2e"));
      CHECK((first[2] >= 0) == (schedule != "e2e"));
    }
}

TEST_CASE("layer-wise, bp and urf end in the same place (the paper gives them one number)") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (const std::string schedule : {"gll", "rll"})
    for (const std::string rule : {"bp", "urf"})
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        CAPTURE(schedule);
        CAPTURE(rule);
        CAPTURE(seed);
        BatchOptions options = options_of(net, "hinge", schedule, "adam");
        options.step.block = false;
        options.rule = rule;
        options.seed = seed;
        options.steps = 160;
        BatchLearner learner(*device, net, options);
        double first = 0, last = 0;  // of the top layer
        for (int i = 0; i < 160; ++i) {
          const bool top = learner.layer(learner.steps()) == 1;
          learner.step(pairs.a, pairs.b, six_labels);
          if (top) last = learner.last().loss;
          if (top && first == 0) first = last;
        }
        CHECK(first > 1);
        CHECK(last < 0.02 * first);
      }
}

TEST_CASE("saved and loaded, it goes on to the same bits") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (const std::string loss : {"hinge", "simclr", "supervised"})
    for (const std::string optimiser : {"adam", "sgd"}) {
      CAPTURE(loss);
      CAPTURE(optimiser);
      BatchOptions options = options_of(net, loss, loss == "hinge" ? "rll" : "e2e", optimiser);
      if (loss == "hinge") options.rule = "urf";
      auto run = [&](BatchLearner& learner, int steps) {
        for (int i = 0; i < steps; ++i) learner.step(pairs.a, pairs.b, six_labels);
        Checkpoint checkpoint;
        learner.save(checkpoint);
        return checkpoint;
      };
      BatchLearner whole(*device, net, options), half(*device, net, options), other(*device, net, options);
      const Checkpoint expected = run(whole, 9);
      other.load(run(half, 4));
      CHECK(other.steps() == 4);
      CHECK(fingerprint(run(other, 5)) == fingerprint(expected));
      BatchLearner fresh(*device, net, options);
      CHECK(fingerprint(run(fresh, 5)) != fingerprint(expected));
    }
}

TEST_CASE("options that do not go together are refused") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = small_network();
  CHECK_THROWS_AS(BatchLearner(*device, net, options_of(net, "supervised", "gll", "adam")), InputError);
  CHECK_THROWS_AS(BatchLearner(*device, net, options_of(net, "hinge", "e2e", "lamb")), InputError);
  CHECK_THROWS_AS(BatchLearner(*device, net, options_of(net, "hinge", "all", "adam")), InputError);
  BatchLearner learner(*device, net, options_of(net, "triplet", "e2e", "adam"));
  const Pairs pairs = grating_pairs(net, 6);
  CHECK_THROWS_AS(learner.step(pairs.a, pairs.b, {}), InputError);
}
