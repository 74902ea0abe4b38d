#include <doctest/doctest.h>

#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

namespace {

LearnerOptions pass_options(const NetworkSpec& net, const Pairs& pairs, const std::string& schedule, bool block) {
  LearnerOptions options;
  options.schedule = schedule;
  options.block = block;
  options.events = static_cast<std::uint64_t>(net.depth() * pairs.count * 2);  // gll: one pass a layer
  options.memory.negatives = 2;
  options.margins = {{0.5f, 4.0f}};
  return options;
}

/// Every pair as a fixation of its own, then the memory forgets all.
void live(OnlineLearner& learner, const Pairs& pairs, Time& now, std::uint64_t& terms) {
  for (int i = 0; i < pairs.count; ++i) {
    learner.handle(View{now, 0, 0, {}, pairs.view(false, i)});
    learner.handle(View{now + 150'000, 0, 1, {}, pairs.view(true, i)});
    for (const UpdateRecord& record : learner.records()) terms += record.terms.size();
    now += 300'000;
    learner.handle(Saccade{now, 0});
  }
  for (int i = 0; i < 3; ++i) learner.handle(Saccade{now, 0});
}

}  // namespace

TEST_CASE("pll: each layer learns as it does when it learns alone from the same views") {
  const auto device = make_cpu_device(2);
  for (const NetworkSpec& net : {network_of({}), local_network()})
    for (const bool block : {true, false}) {
      CAPTURE(net.name);
      CAPTURE(block);
      const Pairs pairs = grating_pairs(net, 7);
      GradientAccumulator at_once(*device, net), in_turn(*device, net);
      OnlineLearner parallel(*device, net, pass_options(net, pairs, "pll", block), at_once);
      OnlineLearner serial(*device, net, pass_options(net, pairs, "gll", block), in_turn);
      Time now = 0, later = 0;
      std::uint64_t terms = 0, terms_in_turn = 0;
      live(parallel, pairs, now, terms);
      for (int layer = 0; layer < net.depth(); ++layer) live(serial, pairs, later, terms_in_turn);
      CHECK(terms == terms_in_turn);
      CHECK(parallel.updates() > 0);
      const std::vector<Tensor> got = at_once.gradients(), want = in_turn.gradients();
      REQUIRE(got.size() == static_cast<std::size_t>(2 * net.depth()));
      REQUIRE(got.size() == want.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(got[i].name);
        CHECK(ref::same_bits(got[i].data, want[i].data));
        double norm = 0;
        for (const float x : got[i].data) norm += static_cast<double>(x) * static_cast<double>(x);
        CHECK(norm > 0);
      }
    }
}

TEST_CASE("pll: a view has a record for each layer, from the bottom to the top, and counts as one update") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = network_of({});
  const Pairs pairs = grating_pairs(net, 3);
  LearnerOptions options = pass_options(net, pairs, "pll", true);
  options.margins = {{0.0f, 1e9f}};  // every term is active
  options.rates = {std::vector<float>(net.layers.size(), 1e-5f), std::vector<float>(net.layers.size(), 1e-5f)};
  OnlineLearner learner(*device, net, options);
  Time now = 0;
  std::uint64_t terms = 0;
  live(learner, pairs, now, terms);
  CHECK(learner.updates() == 3);
  REQUIRE(learner.records().size() == static_cast<std::size_t>(net.depth()));
  for (int layer = 0; layer < net.depth(); ++layer) {
    const UpdateRecord& record = learner.records()[static_cast<std::size_t>(layer)];
    CHECK(record.layer == layer);
    CHECK(record.role == ViewRole::learner);
    CHECK(record.terms.size() == 3);
    CHECK(record.event == 5);
  }
  CHECK(terms == static_cast<std::uint64_t>(net.depth() * (1 + 2 + 3)));
}
