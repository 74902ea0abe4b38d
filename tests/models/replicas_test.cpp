#include <doctest/doctest.h>

#include <cmath>

#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

// Many learners in one: each replica learns as if it were alone.
namespace {

/// Weights of replica `r` at the start and at the end, and its updates.
struct Learned {
  std::vector<Tensor> start, end;
  std::uint64_t updates = 0;
};

std::vector<Learned> learn(OnlineLearner& learner, int replicas, const std::vector<ScheduledEvent>& events) {
  std::vector<Learned> ways(static_cast<std::size_t>(replicas));
  for (int r = 0; r < replicas; ++r) learner.parameters().save(ways[static_cast<std::size_t>(r)].start, r);
  for (const ScheduledEvent& event : events) learner.handle(event.event);
  for (int r = 0; r < replicas; ++r) {
    learner.parameters().save(ways[static_cast<std::size_t>(r)].end, r);
    ways[static_cast<std::size_t>(r)].updates = learner.updates(r);
  }
  return ways;
}

bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.name == y.name && ref::same_bits(x.data, y.data);
  });
}

}  // namespace

TEST_CASE("replicas of an online learner: each has the bits of a learner of its own") {
  constexpr int replicas = 3;
  const char* rules[] = {"bp", "rf", "urf", "sign"};
  int number = 0;
  for (const std::string schedule : {"rll", "e2e", "gll", "pll"})
    for (const bool block : {true, false})
      for (const std::string optimiser : {"sgd", "adam"})
        for (const std::size_t waiting_floats : {std::size_t{0}, std::size_t{1} << 20}) {
          Run run{.name = "replicas", .schedule = schedule, .rule = rules[number++ % 4], .optimiser = optimiser};
          run.block = block;
          run.views = 60;
          run.arithmetic = number % 3 == 0 ? Arithmetic::fast : Arithmetic::exact;
          if (number % 5 < 2) run.network = "local";
          if (number % 3 == 1) run.activity = "covariance", run.final_rate = 0.2;
          CAPTURE(schedule);
          CAPTURE(run.rule);
          CAPTURE(block);
          CAPTURE(optimiser);
          CAPTURE(waiting_floats);
          const auto device = make_cpu_device(2);
          const std::vector<ScheduledEvent> events = events_of(run);
          LearnerOptions options = options_of(run);
          options.waiting_floats = waiting_floats;
          options.replicas = replicas;
          OnlineLearner together(*device, network_of(run), options);
          const std::vector<Learned> ways = learn(together, replicas, events);
          CHECK(!same(ways[0].start, ways[1].start));
          options.replicas = 1;
          for (const Learned& way : ways) {
            OnlineLearner alone(*device, network_of(run), options);
            alone.parameters().load(*device, way.start);
            const Learned own = learn(alone, 1, events).front();
            CHECK(own.updates == way.updates);
            CHECK(way.updates > 0);
            CHECK(same(own.end, way.end));
            CHECK(!same(own.end, own.start));
          }
          CHECK_THROWS_AS(saved(together), std::logic_error);
        }
}

namespace {

/// Three learners with windows, negatives, weights and rates of their own.
std::vector<ReplicaOptions> variants_of(const LearnerOptions& options) {
  std::vector<ReplicaOptions> all;
  for (const auto& [negatives, weight, window, scale] :
       {std::tuple{4, 0.2f, -1.0, 1.0f}, {1, 0.7f, 0.5, 3.0f}, {6, 0.0f, 1.3, 0.2f}, {0, 1.0f, 0.2, 1.0f}}) {
    ReplicaOptions own{negatives, weight, window, options.rates};
    for (auto* rates : {&own.rates.conv, &own.rates.head})
      for (float& rate : *rates) rate *= scale;
    all.push_back(own);
  }
  return all;
}

/// |a - b|_2 over |b - start|_2: how far two learners are apart against how far they went.
double apart(const std::vector<Tensor>& a, const std::vector<Tensor>& b, const std::vector<Tensor>& start) {
  double difference = 0, way = 0;
  for (std::size_t t = 0; t < a.size(); ++t)
    for (std::size_t i = 0; i < a[t].data.size(); ++i) {
      difference += std::pow(static_cast<double>(a[t].data[i]) - static_cast<double>(b[t].data[i]), 2);
      way += std::pow(static_cast<double>(b[t].data[i]) - static_cast<double>(start[t].data[i]), 2);
    }
  return std::sqrt(difference / way);
}

}  // namespace

TEST_CASE("replicas with windows, negatives, weights and rates of their own: each has the bits of one alone") {
  for (const bool block : {true, false})
    for (const std::string optimiser : {"sgd", "adam"}) {
      CAPTURE(block);
      CAPTURE(optimiser);
      Run run{.name = "variants", .schedule = "rll", .rule = "rf", .optimiser = optimiser};
      run.block = block;
      run.views = 80;
      const auto device = make_cpu_device(2);
      const std::vector<ScheduledEvent> events = events_of(run);
      LearnerOptions options = options_of(run);
      const std::vector<ReplicaOptions> variants = variants_of(options);
      options.variants = variants;
      options.replicas = static_cast<int>(variants.size());
      OnlineLearner together(*device, network_of(run), options);
      const std::vector<Learned> ways = learn(together, options.replicas, events);
      std::vector<std::uint64_t> updates;
      for (std::size_t r = 0; r < variants.size(); ++r) {
        CAPTURE(r);
        LearnerOptions own = options_of(run);
        own.memory.negatives = variants[r].negatives;
        own.memory.negative_weight = variants[r].negative_weight;
        own.memory.window = variants[r].window;
        own.rates = variants[r].rates;
        OnlineLearner alone(*device, network_of(run), own);
        alone.parameters().load(*device, ways[r].start);
        const Learned learned = learn(alone, 1, events).front();
        CHECK(learned.updates == ways[r].updates);
        // Anchors that learn too are summed in the order of their slots, of which a common memory has more.
        CHECK(block ? same(learned.end, ways[r].end) : apart(learned.end, ways[r].end, ways[r].start) < 1e-4);
        updates.push_back(learned.updates);
      }
      CHECK(updates[0] > 0);
      CHECK(updates[3] < updates[0]);  // a window too short for most positives, no negatives
    }
}

TEST_CASE("replicas that cannot advance together are refused") {
  const Run run{.name = "variants"};
  const auto device = make_cpu_device(1);
  LearnerOptions options = options_of(run);
  options.variants = variants_of(options);
  CHECK_THROWS_AS(OnlineLearner(*device, network_of(run), options),
                  std::invalid_argument);  // one replica, four variants
  options.replicas = 4;
  CHECK_NOTHROW(OnlineLearner(*device, network_of(run), options));
  options.variants[2].negatives = -1;
  CHECK_THROWS_AS(OnlineLearner(*device, network_of(run), options), InputError);
  options.variants[2].negatives = 2;
  options.variants[3].rates.head.pop_back();
  CHECK_THROWS_AS(OnlineLearner(*device, network_of(run), options), InputError);
  options.variants = variants_of(options_of(run));
  options.memory.mode = "held";
  CHECK_THROWS_WITH_AS(OnlineLearner(*device, network_of(run), options), doctest::Contains("expected \"sliding\""),
                       InputError);
}
