#include <doctest/doctest.h>

#include <set>

#include "engine/checkpoint.h"
#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

// Properties of update rules and optimisers that hold exactly, or to a rounding that can be counted.
namespace {

NetworkSpec small_network() {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  return {"small", 3, 9, 7, {{20, dense, hardtanh}, {18, pool, tanh}, {33, dense, relu}}, 20};
}

std::vector<Tensor> gradients_of(Device& device, Parameters& parameters, const Pairs& pairs, int layer) {
  PairStep step(device, parameters, pairs.count);
  PairStepOptions options;
  options.layer = layer;
  options.block = false;
  options.margins = median_margins(step, pairs, layer, parameters.network().embedding, options.negatives);
  GradientAccumulator gradients(device, parameters.network());
  CHECK(step.run(pairs.a, pairs.b, options, gradients) > 0);
  return gradients.gradients();
}

/// Objects in turn, two views each, for `fixations` fixations; after(learner) follows every view.
template <class After>
void live(OnlineLearner& learner, const Pairs& pairs, int fixations, After after) {
  for (int f = 0; f < fixations; ++f) {
    for (int i : {0, 1}) {
      learner.handle(View{f * 300'000 + i * 150'000, 0, 0, {}, pairs.view(i == 1, f % pairs.count)});
      after(learner);
    }
    learner.handle(Saccade{(f + 1) * 300'000, 0});
  }
}

LearnerOptions always_active(const NetworkSpec& net, const std::string& rule, const std::string& optimiser) {
  LearnerOptions options;
  options.schedule = "e2e";
  options.rule = rule;
  options.optimiser = optimiser;
  options.margins = {{0, 1e6f}};
  const float rate = optimiser == "adam" ? 1e-3f : 1e-2f;
  options.rates = {std::vector<float>(net.layers.size(), rate), std::vector<float>(net.layers.size(), rate)};
  return options;
}

double unit_in_last_place(float x) {
  return static_cast<double>(std::nextafter(std::fabs(x), INFINITY)) - std::fabs(static_cast<double>(x));
}

/// Largest change of feedback - forward, as a share of what `updates` pairs of roundings can do: each update rounds the
/// forward and the feedback weight once, by at most half a unit in the last place of the result; the increment itself
/// is the same for both.
double drift(const std::string& rule, const std::string& optimiser, double& moved) {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  OnlineLearner learner(*device, net, always_active(net, rule, optimiser));
  const std::vector<Tensor> start = tensors_of(learner.parameters());
  const auto index = [&](const std::string& name) {
    return static_cast<std::size_t>(
        std::find_if(start.begin(), start.end(), [&](const Tensor& t) { return t.name == name; }) - start.begin());
  };
  std::vector<std::vector<double>> slack(start.size());
  double worst = 0;
  std::uint64_t seen = 0;
  live(learner, grating_pairs(net, 6), 50, [&](const OnlineLearner& l) {
    if (l.updates() == seen) return;
    seen = l.updates();
    const std::vector<Tensor> now = tensors_of(l.parameters());
    for (std::size_t f = 0; f < now.size(); ++f) {
      if (!now[f].name.starts_with("feedback.")) continue;
      const std::size_t w = index(now[f].name.substr(9));
      slack[f].resize(now[f].data.size());
      for (std::size_t i = 0; i < now[f].data.size(); ++i) {
        const double forward = now[w].data[i], feedback = now[f].data[i], forward0 = start[w].data[i],
                     feedback0 = start[f].data[i];
        slack[f][i] += (unit_in_last_place(now[w].data[i]) + unit_in_last_place(now[f].data[i])) / 2;
        worst = std::max(worst, std::fabs((feedback - forward) - (feedback0 - forward0)) / slack[f][i]);
        moved = std::max(moved, std::fabs(forward - forward0));
      }
    }
  });
  CHECK(learner.updates() == 50);
  return worst;
}

/// Everything that learning may change, without what memory holds.
std::vector<Tensor> learned(const OnlineLearner& learner) {
  Checkpoint checkpoint;
  learner.save(checkpoint);
  std::erase_if(checkpoint.tensors, [](const Tensor& t) { return t.name.starts_with("memory."); });
  return checkpoint.tensors;
}

}  // namespace

TEST_CASE("rf with the forward weights as feedback is bp, bit for bit") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (int layer : {end_to_end, 0, 1, 2}) {
    CAPTURE(layer);
    const Heads heads = layer == end_to_end ? Heads::top_only : Heads::every_layer;
    Parameters bp(*device, net, make_rule("bp"), heads, 4), rf(*device, net, make_rule("rf"), heads, 4);
    scale_convolutions(*device, bp, 3), scale_convolutions(*device, rf, 3);
    const std::vector<Tensor> want = gradients_of(*device, bp, pairs, layer),
                              random = gradients_of(*device, rf, pairs, layer);
    std::vector<Tensor> tensors = tensors_of(bp);
    for (const Tensor& t : tensors_of(bp)) tensors.push_back({"feedback." + t.name, t.shape, t.data});
    rf.load(*device, tensors);
    const std::vector<Tensor> got = gradients_of(*device, rf, pairs, layer);
    CHECK(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(got[i].name);
      CHECK(ref::same_bits(got[i].data, want[i].data));
      // Random feedback gives something else, except for the head on top, which no error has to pass.
      CHECK(ref::same_bits(random[i].data, want[i].data) == got[i].name.starts_with("head."));
    }
  }
}

TEST_CASE("signs of weights of one magnitude carry the error of the weights themselves, up to that magnitude") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  // Powers of two, so that the factor is exact through all sums. `carrier`: the tensors whose magnitude is made equal.
  const int conv_power = -2, head_power = -5;
  for (const auto& [sign_rule, plain_rule, carrier] :
       {std::tuple{"sign-forward", "bp", ""}, std::tuple{"sign", "rf", "feedback."}})
    for (int layer : {end_to_end, 1}) {
      CAPTURE(sign_rule);
      CAPTURE(layer);
      const Heads heads = layer == end_to_end ? Heads::top_only : Heads::every_layer;
      Parameters plain(*device, net, make_rule(plain_rule), heads, 4),
          sign(*device, net, make_rule(sign_rule), heads, 4);
      std::vector<Tensor> tensors = tensors_of(plain);
      for (Tensor& t : tensors) {
        const bool conv = t.name == carrier + std::string("conv.") + t.name.substr(t.name.size() - 8);
        const bool head = t.name == carrier + std::string("head.") + t.name.substr(t.name.size() - 8);
        if (conv || head)
          for (float& w : t.data) w = std::copysign(std::ldexp(1.0f, conv ? conv_power : head_power), w);
      }
      plain.load(*device, tensors), sign.load(*device, tensors);
      const std::vector<Tensor> want = gradients_of(*device, plain, pairs, layer),
                                got = gradients_of(*device, sign, pairs, layer);
      const int top = layer == end_to_end ? net.depth() - 1 : layer;
      for (std::size_t k = 0; k < got.size(); ++k) {
        CAPTURE(got[k].name);
        const int hops = top - (got[k].name[5] - '0');  // convolutions that the error has passed, beside the head
        const int power = got[k].name.starts_with("head.") ? 0 : head_power + hops * conv_power;
        std::vector<float> scaled = got[k].data;
        for (float& x : scaled) x = std::ldexp(x, power);
        CHECK(ref::same_bits(scaled, want[k].data));
      }
    }
}

TEST_CASE("urf: feedback minus forward stays constant to rounding, under SGD and under Adam") {
  for (const std::string optimiser : {"sgd", "adam"}) {
    CAPTURE(optimiser);
    double moved = 0, moved_rf = 0;
    const double share = drift("urf", optimiser, moved);
    CHECK(share <= 1);
    CHECK(share > 0);
    CHECK(moved > 1e-3);                            // four orders above a unit in the last place
    CHECK(drift("rf", optimiser, moved_rf) > 100);  // feedback that does not learn is found out
  }
}

TEST_CASE("views without an active term change nothing") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  for (const std::string optimiser : {"sgd", "adam"})
    for (const std::string schedule : {"e2e", "rll"})
      for (bool block : {true, false}) {
        CAPTURE(optimiser);
        CAPTURE(schedule);
        CAPTURE(block);
        LearnerOptions options = always_active(net, "urf", optimiser);
        options.schedule = schedule;
        options.block = block;
        options.margins = {{1e30f, 0}};
        OnlineLearner learner(*device, net, options);
        const std::vector<Tensor> before = learned(learner);
        live(learner, grating_pairs(net, 6), 12, [](const OnlineLearner& l) {
          for (const UpdateTerm& term : l.last().terms) CHECK_FALSE(term.active);
        });
        CHECK(learner.updates() == 0);
        const std::vector<Tensor> after = learned(learner);
        for (std::size_t i = 0; i < before.size(); ++i) CHECK(ref::same_bits(before[i].data, after[i].data));
        Checkpoint checkpoint;
        learner.save(checkpoint);
        for (const auto& integers : checkpoint.integers)
          if (integers.name.starts_with("adam.steps.")) CHECK(integers.values == std::vector<std::int64_t>{0});
      }
}

TEST_CASE("Adam counts the updates of each bundle, not its views") {
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs pairs = grating_pairs(net, 6);
  for (const std::string schedule : {"e2e", "rll"})
    for (bool block : {true, false}) {
      CAPTURE(schedule);
      CAPTURE(block);
      LearnerOptions options = always_active(net, "bp", "adam");
      options.schedule = schedule;
      options.block = block;
      options.memory.negatives = 0;  // positives alone, half of which are near enough
      options.rates = {std::vector<float>(3, 1e-6f), std::vector<float>(3, 1e-6f)};
      Parameters parameters(*device, net, make_rule("bp"), Heads::every_layer, options.seed);
      PairStep step(*device, parameters, pairs.count);
      options.margins.clear();
      for (int i = 0; i < net.depth(); ++i)
        options.margins.push_back(median_margins(step, pairs, i, net.embedding, -1));
      OnlineLearner learner(*device, net, options);
      std::vector<std::int64_t> expected(3, 0);
      std::uint64_t seen = 0;
      live(learner, pairs, 60, [&](const OnlineLearner& l) {
        if (l.updates() == seen) return;
        seen = l.updates();
        for (int i = 0; i < 3; ++i) expected[static_cast<std::size_t>(i)] += schedule == "e2e" || l.last().layer == i;
      });
      CHECK(learner.updates() > 15);
      CHECK(learner.updates() < 45);
      Checkpoint checkpoint;
      learner.save(checkpoint);
      for (int i = 0; i < 3; ++i) {
        const std::vector<std::int64_t> want{expected[static_cast<std::size_t>(i)]};
        CHECK(checkpoint.integer_values("adam.steps.conv." + std::to_string(i)) == want);
        if (schedule == "rll" || i == 2)
          CHECK(checkpoint.integer_values("adam.steps.head." + std::to_string(i)) == want);
      }
    }
}
