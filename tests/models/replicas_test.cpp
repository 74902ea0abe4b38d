#include <doctest/doctest.h>

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
  for (const std::string schedule : {"rll", "e2e", "gll"})
    for (const bool block : {true, false})
      for (const std::string optimiser : {"sgd", "adam"})
        for (const std::size_t waiting_floats : {std::size_t{0}, std::size_t{1} << 20}) {
          Run run{.name = "replicas", .schedule = schedule, .rule = rules[number++ % 4], .optimiser = optimiser};
          run.block = block;
          run.views = 60;
          run.arithmetic = number % 3 == 0 ? Arithmetic::fast : Arithmetic::exact;
          if (number % 5 < 2) run.network = "local";
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
