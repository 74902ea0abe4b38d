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
  constexpr Downsample pool = Downsample::max_pool;
  return {"tiny", 3, 8, 8, {{16, pool, hardtanh}, {20, pool, none}}, 16};
}

/// One pass over six objects, two views each, in two orders in turn (0 1 2 3 4 5 and 2 1 0 5 4 3, so that an object
/// never is among its own negatives), and each view an anchor every other time: only the picture tells one from the
/// other.
Seen pass(OnlineLearner& learner, const Pairs& pairs, Time& now) {
  const bool back = learner.events() / (2 * static_cast<std::uint64_t>(pairs.count)) % 2 == 1;
  Seen seen;
  const std::uint64_t before = learner.updates();
  int positives = 0;
  for (int f = 0; f < pairs.count; ++f) {
    for (bool second : {false, true}) {
      learner.handle(View{now += 1000, 0, 0, {}, pairs.view(second != back, back ? (8 - f) % 6 : f)});
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
    LearnerOptions options = plain(net, 5e-4f);
    options.memory.negatives = 0;
    options.margins = {{0, 0}};
    options.block = block;
    OnlineLearner learner(*device, net, options);
    Time now = 0;
    const Seen first = pass(learner, pairs, now);
    Seen last;
    for (int i = 0; i < 800; ++i) last = pass(learner, pairs, now);
    CHECK(first.positive > 0.2);
    CHECK(last.positive < first.positive / 10);
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
    // Stopped: nothing has moved in a pass of each order.
    int passes = 0;
    for (int quiet = 0; passes < 2000 && quiet < 2; ++passes) {
      const Seen seen = pass(learner, pairs, now);
      quiet = seen.updates == 0 ? quiet + 1 : 0;
      if (quiet > 0) CHECK(seen.negative >= 3);
    }
    CHECK(passes < 2000);
    const std::vector<Tensor> stopped = tensors_of(learner.parameters());
    for (int i = 0; i < 5; ++i) CHECK(pass(learner, pairs, now).updates == 0);
    const std::vector<Tensor> later = tensors_of(learner.parameters());
    for (std::size_t i = 0; i < later.size(); ++i) CHECK(ref::same_bits(stopped[i].data, later[i].data));
  }
}
