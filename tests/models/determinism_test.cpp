#include <doctest/doctest.h>

#include <bit>
#include <map>
#include <numeric>

#include "engine/recorder.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/models/fingerprints.h"

using namespace saccade;
using namespace saccade::test;

// Promise 1 of design.md: the same seed gives the same bits. Every comparison is of whole fingerprints.
namespace {

/// Every schedule, blocked or not, both optimisers, every rule, both memories.
std::vector<Run> many_runs(std::uint64_t views) {
  std::vector<Run> runs;
  const char* rules[] = {"bp", "rf", "urf", "sign", "sign-forward"};
  for (const std::string schedule : {"rll", "e2e", "gll"})
    for (bool block : {true, false})
      for (const std::string optimiser : {"sgd", "adam"}) {
        Run run;
        run.schedule = schedule, run.block = block, run.optimiser = optimiser;
        run.rule = rules[runs.size() % 5];
        run.memory = runs.size() % 3 == 2 ? "held" : "sliding";
        run.views_per_fixation = 2 + static_cast<int>(runs.size() % 2);
        run.views = views;
        run.arithmetic = runs.size() % 4 == 3 ? Arithmetic::fast : Arithmetic::exact;
        run.name = schedule + " " + run.rule + " " + optimiser + (block ? " blocked " : " unblocked ") + run.memory +
                   " " + to_string(run.arithmetic);
        runs.push_back(run);
      }
  runs.push_back({.name = "local rll bp sgd", .network = "local", .views = views});
  runs.push_back({.name = "local e2e rf adam",
                  .network = "local",
                  .schedule = "e2e",
                  .rule = "rf",
                  .optimiser = "adam",
                  .views = views});
  runs.push_back({.name = "exponential, noise", .views = views, .trace = "exponential", .noise = 0.5});
  runs.push_back({.name = "synaptic gate, noise, unblocked, held",
                  .schedule = "e2e",
                  .memory = "held",
                  .block = false,
                  .views_per_fixation = 3,
                  .views = views,
                  .trace = "synaptic",
                  .trace_acts = "gate",
                  .noise = 0.5});
  runs.push_back({.name = "pll circuit, synaptic-peak",
                  .schedule = "pll",
                  .views = views,
                  .trace = "synaptic-peak",
                  .error = "circuit"});
  return runs;
}

/// The events in another order; by copies, since g++ 12 warns of std::swap of a variant where there is nothing wrong.
std::vector<ScheduledEvent> reordered(const std::vector<ScheduledEvent>& events,
                                      const std::vector<std::size_t>& order) {
  std::vector<ScheduledEvent> other;
  for (std::size_t i : order) other.push_back(events[i]);
  return other;
}

std::vector<std::size_t> file_order(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

std::vector<std::size_t> shuffled_order(std::size_t count, std::uint64_t seed) {
  ref::Draw draw(seed);
  std::vector<std::size_t> order = file_order(count);
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<std::size_t>(draw.below(static_cast<int>(i)))]);
  return order;
}

}  // namespace

TEST_CASE("the same bits twice, with 1, 2 and 5 threads, with avx2 and avx512") {
  std::vector<Run> runs = many_runs(120);
  runs.push_back({.name = "conv3 rll", .network = "conv3", .views = 60});
  runs.push_back({.name = "conv3 e2e unblocked",
                  .network = "conv3",
                  .schedule = "e2e",
                  .optimiser = "adam",
                  .block = false,
                  .views = 40});
  std::map<std::string, std::string> seen;
  for (const Run& run : runs) {
    CAPTURE(run.name);
    const std::vector<ScheduledEvent> events = events_of(run);
    std::optional<std::string> first;
    for (const std::string& isa : vector_sets())
      for (int threads : {1, 2, 5}) {
        CAPTURE(isa);
        CAPTURE(threads);
        const std::string found = run_events(*ref::cpu_device(isa, threads), run, events);
        if (!first) {
          first = found;
          CHECK(run_events(*ref::cpu_device(isa, threads), run, events) == found);
        }
        CHECK(found == *first);
      }
    if (first)
      CHECK_MESSAGE(seen.emplace(*first, run.name).second,
                    "another run has the same fingerprint: the settings do not matter");
    if (Device* portable = ref::cpu_device("portable", 1))
      CHECK(run_events(*portable, run, events) == run_events(*ref::cpu_device("portable", 5), run, events));
  }
}

TEST_CASE("runs learn: most updates are active and the weights move") {
  const auto device = make_cpu_device(1);
  for (const Run& run : many_runs(120)) {
    CAPTURE(run.name);
    OnlineLearner learner(*device, network_of(run), options_of(run));
    const std::vector<Tensor> before = tensors_of(learner.parameters());
    for (const ScheduledEvent& scheduled : events_of(run)) learner.handle(scheduled.event);
    CHECK(learner.updates() >= 20);
    const std::vector<Tensor> after = tensors_of(learner.parameters());
    int changed = 0;
    for (std::size_t i = 0; i < after.size(); ++i) changed += relative_l2(after[i].data, before[i].data) > 1e-4;
    CHECK(changed >= 3);
    for (const Tensor& t : after)
      CHECK(std::all_of(t.data.begin(), t.data.end(), [](float w) { return std::isfinite(w); }));
  }
}

TEST_CASE("a recorder does not change a run, and two recordings are the same bytes") {
  const auto device = make_cpu_device(2);
  for (const Run& run : many_runs(60)) {
    CAPTURE(run.name);
    const std::vector<ScheduledEvent> events = events_of(run);
    std::vector<std::vector<std::uint8_t>> traces;
    for (int again = 0; again < 2; ++again) {
      testing::FaultyFileSystem files;
      OnlineLearner learner(*device, network_of(run), options_of(run));
      Recorder recorder(files, "events.trace");
      for (const ScheduledEvent& scheduled : events) {
        learner.handle(scheduled.event);
        if (const auto* view = std::get_if<View>(&scheduled.event)) {
          recorder.view(*view);
          recorder.update(learner.last());
          learner.last_embedding();
          learner.held_floats();
        } else {
          recorder.saccade(std::get<Saccade>(scheduled.event));
        }
        recorder.flush();
      }
      recorder.close();
      CHECK(fingerprint_of(learner) == run_events(*device, run, events));
      traces.push_back(files.bytes("events.trace"));
    }
    CHECK(traces[0] == traces[1]);
  }
}

TEST_CASE("anchors that wait for their heads to be drawn get the embeddings that they would have got at once") {
  const auto device = make_cpu_device(1);
  for (const Run& run : many_runs(120)) {
    CAPTURE(run.name);
    const std::vector<ScheduledEvent> events = events_of(run);
    LearnerOptions at_once = options_of(run);
    at_once.waiting_floats = 0;
    OnlineLearner learner(*device, network_of(run), at_once);
    for (const ScheduledEvent& scheduled : events) learner.handle(scheduled.event);
    CHECK(fingerprint_of(learner) == run_events(*device, run, events));
  }
}

TEST_CASE("stopped and resumed at every event, through a checkpoint file") {
  const auto device = make_cpu_device(1), other = make_cpu_device(2);
  for (Run run : many_runs(24)) {
    CAPTURE(run.name);
    const std::vector<ScheduledEvent> events = events_of(run);
    const std::string whole = run_events(*device, run, events);
    testing::FaultyFileSystem files;
    OnlineLearner learner(*device, network_of(run), options_of(run));
    for (std::size_t stop = 0; stop <= events.size(); ++stop) {
      CAPTURE(stop);
      save_checkpoint(files, "at.ckpt", saved(learner));
      OnlineLearner resumed(*other, network_of(run), options_of(run));
      // What was there before must not matter: the learner that is loaded into has seen other events.
      if (stop % 3 == 1)
        for (std::size_t i = 0; i < 5; ++i) resumed.handle(events[events.size() - 5 + i].event);
      resumed.load(load_checkpoint(files, "at.ckpt"));
      CHECK(fingerprint_of(resumed) == fingerprint_of(learner));
      CHECK(resumed.events() == learner.events());
      CHECK(resumed.updates() == learner.updates());
      for (std::size_t i = stop; i < events.size(); ++i) resumed.handle(events[i].event);
      CHECK(fingerprint_of(resumed) == whole);
      if (stop < events.size()) learner.handle(events[stop].event);
    }
  }
}

TEST_CASE("simultaneous events inserted in another order") {
  const auto device = make_cpu_device(1);
  // Two streams of the same times feed one learner: every view and every saccade of one meets one of the other.
  for (const Run& run : many_runs(60)) {
    CAPTURE(run.name);
    std::vector<ScheduledEvent> events = events_of(run);
    const std::vector<ScheduledEvent> second = events_of(run, 1);
    events.insert(events.end(), second.begin(), second.end());
    const std::string expected = run_events(*device, run, in_queue_order(events));
    for (std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      CHECK(run_events(*device, run, in_queue_order(reordered(events, shuffled_order(events.size(), seed)))) ==
            expected);
    }
    CHECK(run_events(*device, run, events) != expected);  // the order does matter to the learner
  }
}

TEST_CASE("the fingerprint detects one flipped bit and two swapped events") {
  const auto device = make_cpu_device(1);
  const Run run{.name = "detector", .schedule = "e2e", .views = 40};
  const std::vector<ScheduledEvent> events = events_of(run);
  OnlineLearner learner(*device, network_of(run), options_of(run));
  for (const ScheduledEvent& scheduled : events) learner.handle(scheduled.event);
  const Checkpoint good = saved(learner);
  const std::string expected = fingerprint(good);
  for (std::size_t t = 0; t < good.tensors.size(); ++t) {
    Checkpoint bad = good;
    float& weight = bad.tensors[t].data[bad.tensors[t].data.size() / 2];
    weight = std::bit_cast<float>(std::bit_cast<std::uint32_t>(weight) ^ 1u);
    CHECK(fingerprint(bad) != expected);
    // ... and it survives the way through a learner.
    learner.load(bad);
    CHECK(fingerprint_of(learner) == fingerprint(bad));
  }
  for (std::size_t i : {std::size_t{3}, std::size_t{30}}) {
    std::vector<ScheduledEvent> swapped = events;
    std::size_t j = i + 1;  // the next view: the pictures change places, times and saccades stay
    while (!std::holds_alternative<View>(swapped[i].event)) ++i, ++j;
    while (!std::holds_alternative<View>(swapped[j].event)) ++j;
    std::swap(std::get<View>(swapped[i].event).pixels, std::get<View>(swapped[j].event).pixels);
    CHECK(run_events(*device, run, swapped) != expected);
  }
  // A view and the saccade after it.
  std::size_t at = 10;
  while (!std::holds_alternative<View>(events[at].event) || !std::holds_alternative<Saccade>(events[at + 1].event))
    ++at;
  std::vector<std::size_t> order = file_order(events.size());
  std::swap(order[at], order[at + 1]);
  CHECK(run_events(*device, run, reordered(events, order)) != expected);
}
