#include <doctest/doctest.h>

#include "models/batch_learner.h"
#include "tests/models/ahead.h"
#include "tests/models/runs.h"
#include "tests/reference/devices.h"  // brings the CUDA device

using namespace saccade;
using namespace saccade::test;

// Whole learners on the CUDA device: the same code as on the CPU, above other kernels.
namespace {

using Kind = reference::ThreadOrder::Kind;

Device& cpu() { return *reference::cpu_device("portable", 1); }

/// |cuda - cpu|_2 over |cpu - start|_2 of all tensors: how far two learners are apart against how far they went.
double apart(const std::vector<Tensor>& cuda, const std::vector<Tensor>& on_cpu, const std::vector<Tensor>& start) {
  double difference = 0, way = 0;
  REQUIRE(cuda.size() == on_cpu.size());
  for (std::size_t t = 0; t < cuda.size(); ++t) {
    REQUIRE(cuda[t].name == on_cpu[t].name);
    for (std::size_t i = 0; i < cuda[t].data.size(); ++i) {
      difference += std::pow(static_cast<double>(cuda[t].data[i]) - static_cast<double>(on_cpu[t].data[i]), 2);
      way += std::pow(static_cast<double>(on_cpu[t].data[i]) - static_cast<double>(start[t].data[i]), 2);
    }
  }
  REQUIRE(way > 0);
  return std::sqrt(difference / way);
}

/// Both sum in single precision, in different orders (5e-7 of a sum is usual); each update adds its own difference, and
/// weights of about 0.1 that moved by about 1e-3 lose a digit or two of it. 2e-6 to 2e-5 is seen; a wrong sign gives 1.
constexpr double agreement_of_ways = 1e-4;

LearnerOptions repeating_options(const Run& run) {
  LearnerOptions options = options_of(run);
  options.waiting_floats = 0;  // as `saccade replay --device cuda`: each event does what events of its kind do
  return options;
}

struct Learned {
  std::vector<Tensor> start, end;
  std::string fingerprint;
  std::uint64_t updates = 0;
};

Learned learn(Device& device, const Run& run, const std::vector<ScheduledEvent>& events) {
  OnlineLearner learner(device, network_of(run), repeating_options(run));
  Learned learned{tensors_of(learner.parameters()), {}, {}};
  for (const ScheduledEvent& event : events) learner.handle(event.event);
  learned.end = tensors_of(learner.parameters());
  learned.fingerprint = fingerprint_of(learner);
  learned.updates = learner.updates();
  return learned;
}

void check_run(const Run& run) {
  CAPTURE(run.name);
  const std::vector<ScheduledEvent> events = events_of(run);
  Run exact = run;
  exact.arithmetic = Arithmetic::exact;
  const Learned want = learn(cpu(), exact, events);
  REQUIRE(want.updates > 0);
  std::string first;
  for (const reference::ThreadOrder order : {reference::ThreadOrder{Kind::ascending, 0}, {Kind::random, 3}}) {
    reference::set_thread_order(order);
    const Learned got = learn(reference::cuda(), run, events);
    CHECK(got.updates == want.updates);
    CHECK(apart(got.end, want.end, want.start) < agreement_of_ways);
    if (first.empty()) first = got.fingerprint;
    CHECK(got.fingerprint == first);  // the same bits in any order of threads
  }
}

}  // namespace

TEST_CASE("event runs on the CUDA device learn as on the CPU") {
  const char* rules[] = {"bp", "rf", "urf", "sign"};
  int number = 0;
  for (const std::string schedule : {"rll", "e2e", "gll"})
    for (const bool block : {true, false}) {
      Run run{.name = schedule, .schedule = schedule, .rule = rules[number % 4], .block = block, .views = 40};
      run.optimiser = number % 3 == 2 ? "adam" : "sgd";
      run.memory = number % 2 == 0 ? "sliding" : "held";
      run.arithmetic = number % 4 == 1 ? Arithmetic::fast : Arithmetic::exact;  // one and the same on a GPU
      ++number;
      check_run(run);
    }
}

TEST_CASE("conv3 and conv5: event runs on the CUDA device learn as on the CPU") {
  check_run({.name = "conv3", .network = "conv3", .views = 12});
  check_run({.name = "conv5 rll", .network = "conv5", .views = 8});
  check_run({.name = "conv5 e2e", .network = "conv5", .schedule = "e2e", .views = 4});
}

TEST_CASE("layers in parallel, departures from averages, falling rates: on the CUDA device as on the CPU") {
  check_run({.name = "tiny pll, covariance, falling rates",
             .schedule = "pll",
             .views = 12,
             .activity = "covariance",
             .final_rate = 0.1});
}

TEST_CASE("traces, noise and circuits: event runs on the CUDA device learn as on the CPU") {
  check_run({.name = "exponential, noise, unblocked",
             .schedule = "e2e",
             .block = false,
             .views = 24,
             .trace = "exponential",
             .noise = 0.5});
  check_run({.name = "synaptic gate, noise, held",
             .memory = "held",
             .views_per_fixation = 3,
             .views = 24,
             .trace = "synaptic",
             .trace_acts = "gate",
             .noise = 0.5});
  check_run({.name = "noisy circuit", .schedule = "pll", .views = 12, .error = "circuit"});
}

TEST_CASE("locally connected layers: event runs on the CUDA device learn as on the CPU") {
  check_run({.name = "local rll", .network = "local", .views = 20});
  check_run(
      {.name = "local e2e", .network = "local", .schedule = "e2e", .rule = "rf", .optimiser = "adam", .views = 12});
}

TEST_CASE("steps of a batch on the CUDA device learn as on the CPU") {
  struct Case {
    std::string network, loss, schedule, rule;
    bool block;
  };
  for (const Case& c : {Case{"conv5", "hinge", "e2e", "bp", true}, Case{"tiny", "hinge", "rll", "urf", true},
                        Case{"tiny", "hinge", "e2e", "rf", false}, Case{"tiny", "simclr", "e2e", "bp", false},
                        Case{"tiny", "supervised", "e2e", "bp", true}, Case{"tiny", "hinge", "e2e", "dtp", true},
                        Case{"tiny", "clapp", "e2e", "bp", true}, Case{"local", "hinge", "e2e", "sign", false}}) {
    CAPTURE(c.network);
    CAPTURE(c.loss);
    CAPTURE(c.rule);
    Run run;
    run.network = c.network;
    const NetworkSpec net = network_of(run);
    BatchOptions options;
    options.pairs = c.network == "conv5" ? 2 : 5;
    options.steps = 3;
    options.schedule = c.schedule;
    options.rule = c.rule;
    options.optimiser = "sgd";
    options.step.loss = c.loss;
    options.step.block = c.block;
    options.step.negatives = 1;
    options.margins = {{0.2f, 4}};
    options.rates = {std::vector<float>(net.layers.size(), 1e-3f), std::vector<float>(net.layers.size(), 3e-4f)};
    const Pairs seen = grating_pairs(net, options.pairs);
    std::vector<std::int32_t> labels;
    for (int i = 0; i < options.pairs; ++i) labels.push_back(i);
    reference::set_thread_order({Kind::random, 5});
    std::vector<Tensor> start, ends[2];
    double losses[2];
    for (int which : {0, 1}) {
      BatchLearner learner(which == 0 ? cpu() : reference::cuda(), net, options);
      start = tensors_of(learner.parameters());
      for (std::uint64_t step = 0; step < options.steps; ++step) learner.step(seen.a, seen.b, labels);
      ends[which] = tensors_of(learner.parameters());
      losses[which] = learner.last().loss;
    }
    CHECK(apart(ends[1], ends[0], start) < agreement_of_ways);
    CHECK(losses[1] == doctest::Approx(losses[0]).epsilon(1e-4));
  }
}

TEST_CASE("events that do the same are one graph, recorded once; sent ahead, a launch is all that the host sends") {
  reference::set_thread_order({Kind::ascending, 0});
  for (const std::string schedule : {"rll", "e2e"}) {
    CAPTURE(schedule);
    const Run run{.name = "graphs", .schedule = schedule, .views = 160};
    SACCADE_CUDA::CudaDevice device(SACCADE_CUDA::make_runtime());
    OnlineLearner learner(device, network_of(run), repeating_options(run));
    const std::vector<ScheduledEvent> events = events_of(run);
    const auto half = events.begin() + static_cast<std::ptrdiff_t>(events.size() / 2);
    for (auto event = events.begin(); event != half; ++event) learner.send(event->event);
    learner.settle();
    const auto before = device.counts();
    std::uint64_t views = 0;
    for (auto event = half; event != events.end(); ++event) {
      learner.send(event->event);
      views += std::holds_alternative<View>(event->event);
    }
    learner.settle();
    const auto after = device.counts();
    CAPTURE(after.plain);
    CAPTURE(after.recorded);
    // A fixation is an anchor, which asks for nothing, and a view that asks for its results: one list, sent by one
    // call.
    const std::uint64_t lists = after.plain + after.replayed - before.plain - before.replayed;
    CHECK(lists <= views / 2 + 1);
    CHECK(after.replayed - before.replayed >= views / 2 * 9 / 10);
    CHECK(after.recorded <=
          (schedule == "rll" ? 3 : 1) * 4 * 2);  // by layer and slot, before the memory is full and after
    // What differs between events (pixels or recipes, terms) goes ahead of eight lists at a time.
    CHECK(after.uploads - before.uploads <= lists / 8 + 1);
    // Nothing comes back to the host but the results that are recorded: of at most T + 1 terms for each second view.
    CHECK(after.downloads - before.downloads == 1);
    CHECK(after.downloaded_bytes - before.downloaded_bytes <=
          views / 2 * static_cast<std::uint64_t>(repeating_options(run).memory.negatives + 1) * sizeof(HingeResult));
  }
}

TEST_CASE("views sent ahead to the CUDA device come to the bits and records of views one by one") {
  const auto plain = [](const Run& run) {
    std::vector<Event> events;
    for (const ScheduledEvent& event : events_of(run)) events.push_back(event.event);
    return events;
  };
  reference::set_thread_order({Kind::random, 4});
  const Run rll{.name = "rll", .views = 60};
  check_ahead(reference::cuda(), network_of(rll), repeating_options(rll), plain(rll), 64);
  const Run pll{.name = "pll, noise", .schedule = "pll", .memory = "held", .views = 24, .noise = 0.5};
  check_ahead(reference::cuda(), network_of(pll), repeating_options(pll), plain(pll), 5);
  const Run circuit{.name = "circuit", .views = 12, .final_rate = 0.1, .error = "circuit"};
  check_ahead(reference::cuda(), network_of(circuit), repeating_options(circuit), plain(circuit), 7);
  // Replicas that keep embeddings aside read them in between.
  const Run variants{.name = "variants", .views_per_fixation = 3, .views = 30};
  LearnerOptions options = repeating_options(variants);
  options.variants = {{3, 0.2f, -1, options.rates, 5}, {1, 0.7f, 0.3, options.rates, 9}};
  options.replicas = 2;
  check_ahead(reference::cuda(), network_of(variants), options, plain(variants), 8);
}

TEST_CASE("three replicas on the CUDA device: each has the bits of a learner of its own, in as many lists") {
  reference::set_thread_order({Kind::ascending, 0});
  const Run run{.name = "replicas", .views = 40};
  const std::vector<ScheduledEvent> events = events_of(run);
  LearnerOptions options = repeating_options(run);
  std::uint64_t lists[2];
  std::vector<Tensor> starts[3], ends[3];
  for (const int replicas : {3, 1}) {
    SACCADE_CUDA::CudaDevice device(SACCADE_CUDA::make_runtime());
    options.replicas = replicas;
    OnlineLearner learner(device, network_of(run), options);
    if (replicas == 1) learner.parameters().load(device, starts[2]);
    for (int r = 0; r < replicas && replicas > 1; ++r) learner.parameters().save(starts[r], r);
    const auto before = device.counts();
    for (const ScheduledEvent& event : events) learner.handle(event.event);
    lists[replicas == 1] = device.counts().plain + device.counts().replayed - before.plain - before.replayed;
    if (replicas == 3) {
      for (int r = 0; r < 3; ++r) learner.parameters().save(ends[r], r);
    } else {
      std::vector<Tensor> end;
      learner.parameters().save(end);
      REQUIRE(end.size() == ends[2].size());
      for (std::size_t t = 0; t < end.size(); ++t) CHECK(reference::same_bits(end[t].data, ends[2][t].data));
    }
  }
  CHECK(lists[0] == lists[1]);
  CHECK(apart(ends[1], ends[2], starts[2]) > 1);  // different learners
}

TEST_CASE(
    "replicas of other windows, negatives, rates and weights on the CUDA device: bits and checkpoints of learners "
    "alone") {
  reference::set_thread_order({Kind::ascending, 0});
  const Run run{.name = "variants", .views = 40};
  const std::vector<ScheduledEvent> events = events_of(run);
  LearnerOptions options = repeating_options(run);
  Rates faster = options.rates;
  for (auto* rates : {&faster.conv, &faster.head})
    for (float& rate : *rates) rate *= 2;
  options.variants = {{3, 0.2f, -1, options.rates, 5}, {1, 0.7f, 0.5, faster, 5}, {2, 0.2f, 0.2, options.rates, 9}};
  options.replicas = 3;
  Device& device = reference::cuda();
  OnlineLearner together(device, network_of(run), options);
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i == events.size() / 2) {
      const std::vector<Checkpoint> half{saved(together, 0), saved(together, 1), saved(together, 2)};
      together.load(half);
    }
    together.handle(events[i].event);
  }
  for (int r = 0; r < 3; ++r) {
    CAPTURE(r);
    const ReplicaOptions& own = options.variants[static_cast<std::size_t>(r)];
    LearnerOptions single = repeating_options(run);
    single.memory.negatives = own.negatives, single.memory.negative_weight = own.negative_weight;
    single.memory.window = own.window, single.rates = own.rates, single.weights_seed = own.weights_seed;
    OnlineLearner alone(device, network_of(run), single);
    for (const ScheduledEvent& event : events) alone.handle(event.event);
    CHECK(fingerprint(saved(together, r)) == fingerprint_of(alone));
    CHECK(together.updates(r) == alone.updates());
  }
  CHECK(together.updates(0) > 0);
}

TEST_CASE("an event run on the CUDA device goes on from a checkpoint to the same bits") {
  reference::set_thread_order({Kind::ascending, 0});
  const Run run{.name = "resumed", .views = 40};
  const std::vector<ScheduledEvent> events = events_of(run);
  Device& device = reference::cuda();
  OnlineLearner whole(device, network_of(run), repeating_options(run));
  Checkpoint half;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i == events.size() / 2) whole.save(half);
    whole.handle(events[i].event);
  }
  OnlineLearner resumed(device, network_of(run), repeating_options(run));
  resumed.load(half);
  for (std::size_t i = events.size() / 2; i < events.size(); ++i) resumed.handle(events[i].event);
  CHECK(fingerprint_of(resumed) == fingerprint_of(whole));
}
