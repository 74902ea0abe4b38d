#include <doctest/doctest.h>

#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

// What half of the loss does alone (method.md, section 8).
namespace {

struct Seen {
  double positive = 0, negative = 1e9;  ///< mean distance of positives, smallest distance of negatives
  std::uint64_t updates = 0;
};

NetworkSpec tiny_network() {
  using enum Activation;
  return {"tiny", 3, 8, 8, {{16, true, hardtanh}, {20, true, tanh}}, 16};
}

/// One pass over the objects, two views each.
Seen pass(OnlineLearner& learner, const Pairs& pairs, Time& now) {
  Seen seen;
  const std::uint64_t before = learner.updates();
  int positives = 0;
  for (int f = 0; f < pairs.count; ++f) {
    for (bool second : {false, true}) {
      learner.handle(View{now += 1000, 0, 0, {}, pairs.view(second, f)});
      for (const UpdateTerm& term : learner.last().terms) {
        const double d = term.distance;
        if (term.positive) seen.positive += d, ++positives;
        if (!term.positive) seen.negative = std::min(seen.negative, d);
      }
    }
    learner.handle(Saccade{now, 0});
  }
  seen.positive /= positives;
  seen.updates = learner.updates() - before;
  return seen;
}

LearnerOptions plain(const NetworkSpec& net, float rate) {
  LearnerOptions options;
  options.schedule = "e2e";
  options.rates = {std::vector<float>(net.layers.size(), rate), std::vector<float>(net.layers.size(), rate)};
  return options;
}

}  // namespace

TEST_CASE("positives only: the two views of an object collapse onto each other") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = tiny_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (bool block : {true, false}) {
    CAPTURE(block);
    LearnerOptions options = plain(net, 2e-4f);
    options.memory.negatives = 0;
    options.margins = {{0, 0}};
    options.block = block;
    OnlineLearner learner(*device, net, options);
    Time now = 0;
    const Seen first = pass(learner, pairs, now);
    Seen last;
    for (int i = 0; i < 400; ++i) last = pass(learner, pairs, now);
    CHECK(first.positive > 0.5);
    CHECK(last.positive < first.positive / 10);
    MESSAGE(first.positive << " " << last.positive);
  }
}

TEST_CASE("negatives only: all distances pass the margin, then learning stops for good") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = tiny_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (bool block : {true, false}) {
    CAPTURE(block);
    LearnerOptions options = plain(net, 1e-3f);
    options.memory.negatives = 3;
    options.memory.negative_weight = 1;
    options.margins = {{1e30f, 3}};
    options.block = block;
    OnlineLearner learner(*device, net, options);
    Time now = 0;
    const Seen first = pass(learner, pairs, now);
    CHECK(first.negative < 2);
    Seen last = first;
    int passes = 0;
    for (; passes < 2000 && last.updates > 0; ++passes) last = pass(learner, pairs, now);
    CHECK(passes < 2000);
    CHECK(last.negative >= 3);
    const std::vector<Tensor> stopped = tensors_of(learner.parameters());
    for (int i = 0; i < 5; ++i) CHECK(pass(learner, pairs, now).updates == 0);
    const std::vector<Tensor> later = tensors_of(learner.parameters());
    for (std::size_t i = 0; i < later.size(); ++i) CHECK(ref::same_bits(stopped[i].data, later[i].data));
    MESSAGE(first.negative << " " << last.negative << " passes " << passes);
  }
}
