#include "models/activity_averages.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// Averages of activity over what a learner with frozen synapses sees, and the gradients that add up.
struct Watched {
  std::vector<Tensor> gradients;
  Checkpoint state;
};

Watched watch(Device& device, const Run& run, const std::string& activity, double average_views, std::uint64_t views) {
  Run short_run = run;
  short_run.views = views;
  LearnerOptions options = options_of(short_run);
  options.activity = activity;
  options.average_views = average_views;
  options.margins = {{0.0f, 1e9f}};  // all terms are active
  GradientAccumulator sum(device, network_of(run));
  OnlineLearner learner(device, network_of(run), options, sum);
  for (const ScheduledEvent& event : events_of(short_run)) learner.handle(event.event);
  return {sum.gradients(), saved(learner)};
}

}  // namespace

TEST_CASE("covariance: with an average that is half of the activity, synapses change half as much") {
  const auto device = make_cpu_device(2);
  for (const std::string network : {"tiny", "local", "conv3", "averaging"})
    for (const std::string schedule : {"e2e", "pll"}) {
      CAPTURE(network);
      CAPTURE(schedule);
      // An anchor, and one view that learns: behind it each average is half of its activity, and so is the departure.
      const Run run{.name = "pair", .network = network, .schedule = schedule};
      const Watched hebb = watch(*device, run, "hebb", 2, 2), covariance = watch(*device, run, "covariance", 2, 2);
      REQUIRE(hebb.gradients.size() == covariance.gradients.size());
      double largest = 0;
      for (std::size_t i = 0; i < hebb.gradients.size(); ++i) {
        CAPTURE(hebb.gradients[i].name);
        std::vector<float> twice = covariance.gradients[i].data;
        for (float& x : twice) x *= 2;  // exact
        CHECK(relative_l2(twice, hebb.gradients[i].data) <= 1e-6);
        for (const float x : twice) largest = std::max(largest, std::abs(static_cast<double>(x)));
      }
      CHECK(largest > 0);
    }
}

TEST_CASE("covariance: averages against double precision, and what they take off a sum of updates") {
  const auto device = make_cpu_device(2);
  const Run run{.name = "stream", .schedule = "pll"};
  const NetworkSpec net = network_of(run);
  constexpr std::uint64_t views = 40;
  constexpr double over = 7;
  const Watched covariance = watch(*device, run, "covariance", over, views);
  const LearnerOptions options = options_of(run);
  Parameters parameters(*device, net, make_rule("bp"), Heads::every_layer, options.seed);
  Activity activity(*device, net, 1);
  std::vector<std::vector<double>> want;
  for (int i = 0; i <= net.depth(); ++i) want.emplace_back(net.map(i).size(), 0.0);
  Run short_run = run;
  short_run.views = views;
  for (const ScheduledEvent& event : events_of(short_run)) {
    const View* view = std::get_if<View>(&event.event);
    if (!view || view->index == 0) continue;  // anchors only wait
    show(*device, net, *view->pixels, {activity, 0, 1});
    ascend(*device, parameters, {activity, 0, 1}, 0, net.depth());
    for (int i = 0; i <= net.depth(); ++i) {
      const std::vector<float> map = activity.map_buffer(i).read();
      std::vector<double>& average = want[static_cast<std::size_t>(i)];
      for (std::size_t k = 0; k < map.size(); ++k) average[k] += (static_cast<double>(map[k]) - average[k]) / over;
    }
  }
  for (int i = 0; i <= net.depth(); ++i) {
    const Tensor& got = covariance.state.tensor("average." + std::to_string(i));
    const std::vector<double>& average = want[static_cast<std::size_t>(i)];
    REQUIRE(got.data.size() == average.size());
    double worst = 0, largest = 0;
    for (std::size_t k = 0; k < average.size(); ++k) {
      const double error = std::abs(static_cast<double>(got.data[k]) - average[k]);
      worst = error <= worst ? worst : error;  // NaN stays
      largest = std::max(largest, std::abs(average[k]));
    }
    // A recursion that forgets rounding errors of half a unit in the last place as it forgets all else.
    CHECK(worst <= 2 * over * largest * 6e-8);
    CHECK(largest > 0.01);
  }
}

TEST_CASE("covariance: what never varies teaches nothing") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = network_of({});
  const Pixels same = gratings(net, 3, 0);
  for (const std::string activity : {"hebb", "covariance"}) {
    LearnerOptions options;
    options.schedule = "pll";
    options.activity = activity;
    options.average_views = 1;  // the average is the activity of the moment
    options.margins = {{0.0f, 1e9f}};
    options.rates = {std::vector<float>(net.layers.size(), 1e-3f), std::vector<float>(net.layers.size(), 1e-3f)};
    OnlineLearner learner(*device, net, options);
    const std::vector<Tensor> before = tensors_of(learner.parameters());
    const Pairs pairs = grating_pairs(net, 5);
    for (int i = 0; i < 5; ++i) {
      learner.handle(View{i * 300'000, 0, 0, {}, pairs.view(false, i)});
      learner.handle(View{i * 300'000 + 1000, 0, 1, {}, std::make_shared<const Pixels>(same)});
      learner.handle(Saccade{i * 300'000 + 2000, 0});
    }
    const std::vector<Tensor> after = tensors_of(learner.parameters());
    bool moved = false;
    for (std::size_t i = 0; i < before.size(); ++i) moved = moved || !ref::same_bits(before[i].data, after[i].data);
    CHECK(learner.updates() == 5);
    CHECK(moved == (activity == "hebb"));
  }
}

TEST_CASE("covariance: options and checkpoints that do not fit are refused") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = network_of({});
  LearnerOptions options;
  options.rates = {std::vector<float>(net.layers.size(), 0.0f), std::vector<float>(net.layers.size(), 0.0f)};
  options.activity = "anti-hebb";
  CHECK_THROWS_AS(OnlineLearner(*device, net, options), InputError);
  options.activity = "covariance";
  options.average_views = 0.5;
  CHECK_THROWS_AS(OnlineLearner(*device, net, options), InputError);
  options.average_views = 100;
  OnlineLearner learner(*device, net, options);
  Checkpoint checkpoint = saved(learner);
  learner.load(checkpoint);
  for (Tensor& tensor : checkpoint.tensors)
    if (tensor.name == "average.1") tensor.data.pop_back();
  CHECK_THROWS_AS(learner.load(checkpoint), InputError);
}
