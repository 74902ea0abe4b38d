#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <memory>
#include <tuple>

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
          for (int r = 0; r < replicas; ++r) CHECK(saved(together, r).event == run.views);
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
        // Anchors that learn too are summed in the order of their slots, of which a shared memory has more.
        CHECK(block ? same(learned.end, ways[r].end) : apart(learned.end, ways[r].end, ways[r].start) < 1e-4);
        updates.push_back(learned.updates);
      }
      CHECK(updates[0] > 0);
      CHECK(updates[3] < updates[0]);  // a window too short for most positives, no negatives
    }
}

namespace {

/// Fixations of 1 to 5 views at times without a beat, so that windows leave slots free for a while.
std::vector<ScheduledEvent> uneven_events(const Run& run) {
  StreamOptions options;
  options.views = 3;
  options.dwell = Dwell::uniform;
  options.seed = 7;
  const ImageSet images = synthetic_images(network_of(run), 24);
  FixationStream stream(std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 7), options);
  std::vector<ScheduledEvent> events;
  for (std::uint64_t views = 0; views < run.views;) {
    events.push_back(*stream.next());
    views += std::holds_alternative<View>(events.back().event);
  }
  return events;
}

/// The learner that a replica of `options` would be.
LearnerOptions alone(LearnerOptions options, std::size_t r) {
  const ReplicaOptions own = options.variants[r];
  options.memory.negatives = own.negatives;
  options.memory.negative_weight = own.negative_weight;
  options.memory.window = own.window;
  options.rates = own.rates;
  options.weights_seed = own.weights_seed;
  options.variants.clear();
  options.replicas = 1;
  return options;
}

bool same(const Checkpoint& a, const Checkpoint& b) {
  const auto same_all = [](const auto& x, const auto& y, auto same_one) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [&](const auto& p, const auto& q) { return p.name == q.name && same_one(p, q); });
  };
  return a.event == b.event && fingerprint(a) == fingerprint(b) && same(a.tensors, b.tensors) &&
         same_all(a.integers, b.integers, [](const auto& p, const auto& q) { return p.values == q.values; }) &&
         same_all(a.reals, b.reals, [](const auto& p, const auto& q) { return p.values == q.values; });
}

}  // namespace

TEST_CASE("replicas: checkpoints and records are those of learners alone, and go on in any company") {
  struct Way {
    Run run;
    bool same_memory;  ///< window and negatives
  };
  const std::vector<Way> ways{
      {{.name = "rll", .schedule = "rll", .rule = "rf"}, false},
      {{.name = "adam", .schedule = "gll", .rule = "bp", .optimiser = "adam", .final_rate = 0.2}, false},
      {{.name = "traces", .schedule = "pll", .rule = "sign", .trace = "exponential", .noise = 0.3}, false},
      {{.name = "gate", .schedule = "e2e", .rule = "urf", .trace = "synaptic", .trace_acts = "gate", .noise = 0.1},
       false},
      {{.name = "circuit", .schedule = "rll", .rule = "bp", .error = "circuit"}, false},
      {{.name = "covariance", .schedule = "rll", .rule = "bp", .activity = "covariance"}, true},
      {{.name = "held", .schedule = "rll", .rule = "bp", .memory = "held"}, true},
      {{.name = "unblocked", .schedule = "e2e", .rule = "rf", .block = false}, true},
      {{.name = "local", .network = "local", .schedule = "pll", .rule = "rf", .block = false}, true}};
  for (const Way& way : ways)
    for (const std::size_t waiting_floats : {std::size_t{0}, std::size_t{1} << 20}) {
      Run run = way.run;
      run.views = 90;
      CAPTURE(run.name);
      CAPTURE(waiting_floats);
      const auto device = make_cpu_device(2);
      const NetworkSpec net = network_of(run);
      const std::vector<ScheduledEvent> events = net.channels == 3 ? uneven_events(run) : events_of(run);
      LearnerOptions options = options_of(run);
      options.waiting_floats = waiting_floats;
      options.variants = variants_of(options);
      const std::size_t count = options.variants.size();
      for (std::size_t r = 0; r < count; ++r) {
        // The first two with the same weights, and one seed that is also that of the views.
        options.variants[r].weights_seed = std::array<std::uint64_t, 4>{5, 5, 0, 77}[r];
        if (way.same_memory) options.variants[r].window = 0.5, options.variants[r].negatives = 2;
      }
      options.replicas = static_cast<int>(count);
      OnlineLearner together(*device, net, options);
      std::vector<std::unique_ptr<OnlineLearner>> learners;
      for (std::size_t r = 0; r < count; ++r)
        learners.push_back(std::make_unique<OnlineLearner>(*device, net, alone(options, r)));
      bool all_same = true;
      for (std::size_t i = 0; i < events.size(); ++i) {
        together.handle(events[i].event);
        const bool look = i % 37 == 36 || i + 1 == events.size();
        std::vector<Checkpoint> checkpoints(count);
        for (std::size_t r = 0; r < count; ++r) {
          OnlineLearner& own = *learners[r];
          own.handle(events[i].event);
          const int replica = static_cast<int>(r);
          all_same = all_same && own.updates() == together.updates(replica) &&
                     own.held_floats() == together.held_floats(replica) && own.events() == together.events();
          if (std::holds_alternative<View>(events[i].event))
            all_same = all_same && own.records() == together.records(replica);
          if (look) {
            together.save(checkpoints[r], replica);
            CHECK(same(checkpoints[r], saved(own)));
          }
        }
        REQUIRE(all_same);
        if (!look) continue;
        // On go learners that know nothing but the checkpoints: those alone from the group's, the group from theirs.
        const std::vector<Checkpoint> theirs = [&] {
          std::vector<Checkpoint> all;
          for (const auto& own : learners) all.push_back(saved(*own));
          return all;
        }();
        for (std::size_t r = 0; r < count; ++r) {
          learners[r] = std::make_unique<OnlineLearner>(*device, net, alone(options, r));
          learners[r]->load(checkpoints[r]);
        }
        together.load(theirs);
        for (std::size_t r = 0; r < count; ++r) CHECK(same(saved(together, static_cast<int>(r)), theirs[r]));
      }
      for (const auto& own : learners) CHECK(own->events() == run.views);
      CHECK(together.updates(0) > 0);
      CHECK(!same(saved(together, 0), saved(together, 1)));
    }
}

TEST_CASE("replicas: checkpoints that do not belong together are refused") {
  Run run{.name = "apart"};
  run.views = 30;
  const auto device = make_cpu_device(1);
  const std::vector<ScheduledEvent> events = events_of(run);
  LearnerOptions options = options_of(run);
  options.variants = variants_of(options);
  options.replicas = 4;
  OnlineLearner together(*device, network_of(run), options);
  for (const ScheduledEvent& event : events) together.handle(event.event);
  std::vector<Checkpoint> checkpoints;
  for (int r = 0; r < 4; ++r) checkpoints.push_back(saved(together, r));
  CHECK_NOTHROW(together.load(checkpoints));
  CHECK_THROWS_AS(together.load({checkpoints.data(), 3}), std::invalid_argument);
  std::vector<Checkpoint> other = checkpoints;
  other[2].event = 29;
  CHECK_THROWS_WITH_AS(together.load(other), doctest::Contains("one is of event 30, one of event 29"), InputError);
  other = checkpoints;
  other[1] = checkpoints[0];  // of a memory with more slots
  CHECK_THROWS_WITH_AS(together.load(other), doctest::Contains("memory state"), InputError);
  other = checkpoints;
  for (Checkpoint::Integers& integers : other[1].integers)
    if (integers.name == "memory.state") integers.values.at(3) += 1;  // when its oldest anchor came
  CHECK_THROWS_WITH_AS(together.load(other), doctest::Contains("remembers other views"), InputError);
}

TEST_CASE("a seed of the weights: other weights, the same views and drawn layers") {
  Run run{.name = "weights", .schedule = "rll", .rule = "rf"};
  run.views = 40;
  const auto device = make_cpu_device(1);
  const std::vector<ScheduledEvent> events = events_of(run);
  const auto learned = [&](std::uint64_t seed, std::optional<std::uint64_t> weights_seed) {
    LearnerOptions options = options_of(run);
    options.seed = seed, options.weights_seed = weights_seed;
    auto learner = std::make_unique<OnlineLearner>(*device, network_of(run), options);
    std::vector<int> layers;
    std::vector<Tensor> start;
    learner->parameters().save(start);
    for (const ScheduledEvent& event : events) {
      learner->handle(event.event);
      layers.push_back(learner->last().layer);
    }
    return std::tuple{start, layers, fingerprint_of(*learner)};
  };
  const auto [start, layers, print] = learned(5, {});
  const auto [same_start, same_layers, same_print] = learned(5, 5);
  CHECK(same(start, same_start));
  CHECK(print == same_print);
  const auto [other_start, other_layers, other_print] = learned(5, 8);
  CHECK(other_layers == layers);
  CHECK(other_print != print);
  const auto [seed_start, seed_layers, seed_print] = learned(8, {});
  CHECK(same(other_start, seed_start));  // feedback weights too
  CHECK(seed_layers != layers);
  for (std::size_t t = 0; t < start.size(); ++t) CHECK(!ref::same_bits(start[t].data, other_start[t].data));
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
  options.memory.mode = "sliding";
  options.activity = "covariance";
  CHECK_THROWS_WITH_AS(OnlineLearner(*device, network_of(run), options), doctest::Contains("expected \"hebb\""),
                       InputError);
}
