#include <doctest/doctest.h>

#include "engine/device.h"
#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// `count` streams of other objects, their events taking turns at unequal steps.
std::vector<Event> interleaved(const Run& run, std::uint32_t count) {
  std::vector<std::vector<ScheduledEvent>> streams;
  for (std::uint32_t i = 0; i < count; ++i) streams.push_back(events_of(run, i));
  std::vector<Event> events;
  for (std::size_t turn = 0, left = count; left > 0; ++turn) {
    left = 0;
    for (std::uint32_t i = 0; i < count; ++i)
      for (std::size_t k = 0; k < 1 + (turn + i) % 3 && !streams[i].empty(); ++k) {
        Event event = streams[i].front().event;
        streams[i].erase(streams[i].begin());
        std::visit([&](auto& e) { e.stream = i; }, event);
        events.push_back(std::move(event));
        ++left;
      }
  }
  return events;
}

LearnerOptions with_streams(const Run& run, int streams) {
  LearnerOptions options = options_of(run);
  options.streams = streams;
  return options;
}

std::vector<Run> some_runs() {
  return {{.name = "rll", .views = 60},
          {.name = "e2e unblocked adam", .schedule = "e2e", .optimiser = "adam", .block = false, .views = 40},
          {.name = "pll held", .schedule = "pll", .memory = "held", .views = 40}};
}

}  // namespace

TEST_CASE("several streams: what waits is computed before its synapses change, whoever changes them") {
  const auto device = make_cpu_device(2);
  for (const Run& run : some_runs()) {
    CAPTURE(run.name);
    LearnerOptions options = with_streams(run, 3);
    std::vector<std::string> fingerprints;
    for (const std::size_t waiting : {std::size_t{16} << 20, std::size_t{0}}) {
      options.waiting_floats = waiting;
      OnlineLearner learner(*device, network_of(run), options);
      for (const Event& event : interleaved(run, 3)) learner.handle(event);
      fingerprints.push_back(fingerprint_of(learner));
    }
    CHECK(fingerprints[0] == fingerprints[1]);
  }
}

TEST_CASE("several streams: room for more changes nothing, and a stream more does") {
  const auto device = make_cpu_device(2);
  for (const Run& run : some_runs()) {
    CAPTURE(run.name);
    const auto fingerprint = [&](int room, std::uint32_t count) {
      OnlineLearner learner(*device, network_of(run), with_streams(run, room));
      for (const Event& event : interleaved(run, count)) learner.handle(event);
      return fingerprint_of(learner);
    };
    CHECK(fingerprint(1, 1) == fingerprint(4, 1));
    CHECK(fingerprint(2, 2) == fingerprint(5, 2));
    CHECK(fingerprint(2, 2) != fingerprint(2, 1));
  }
}

TEST_CASE("several streams: without learning, each sees what it would see alone") {
  const auto device = make_cpu_device(2);
  for (Run run : some_runs()) {
    if (run.schedule == "rll") run.schedule = "e2e";  // the layer that is drawn depends on the event's number
    CAPTURE(run.name);
    LearnerOptions options = with_streams(run, 3);
    for (auto* rates : {&options.rates.conv, &options.rates.head}) rates->assign(rates->size(), 0.0f);
    OnlineLearner all(*device, network_of(run), options);
    std::vector<std::unique_ptr<OnlineLearner>> alone;
    options.streams = 1;
    for (int i = 0; i < 3; ++i) alone.push_back(std::make_unique<OnlineLearner>(*device, network_of(run), options));
    for (const Event& event : interleaved(run, 3)) {
      all.handle(event);
      const auto stream = std::visit([](const auto& e) { return e.stream; }, event);
      Event same = event;
      std::visit([](auto& e) { e.stream = 0; }, same);
      alone[stream]->handle(same);
      if (!std::holds_alternative<View>(event)) continue;
      REQUIRE(all.records().size() == alone[stream]->records().size());
      for (std::size_t i = 0; i < all.records().size(); ++i) {
        const auto &got = all.records()[i].terms, &expected = alone[stream]->records()[i].terms;
        REQUIRE(got.size() == expected.size());
        for (std::size_t k = 0; k < got.size(); ++k) {
          CHECK(got[k].distance == expected[k].distance);
          CHECK(got[k].positive == expected[k].positive);
          CHECK(got[k].age_us == expected[k].age_us);
        }
      }
    }
  }
}

TEST_CASE("several streams: saved and loaded at any event, the same bits") {
  const auto device = make_cpu_device(2);
  for (const Run& run : some_runs()) {
    CAPTURE(run.name);
    const std::vector<Event> events = interleaved(run, 3);
    OnlineLearner whole(*device, network_of(run), with_streams(run, 4));
    for (const Event& event : events) whole.handle(event);
    for (std::size_t at = 1; at < events.size(); at += 23) {
      OnlineLearner first(*device, network_of(run), with_streams(run, 4));
      for (std::size_t i = 0; i < at; ++i) first.handle(events[i]);
      Checkpoint checkpoint;
      first.save(checkpoint);
      OnlineLearner second(*device, network_of(run), with_streams(run, 3));
      second.load(checkpoint);
      for (std::size_t i = at; i < events.size(); ++i) second.handle(events[i]);
      CHECK(fingerprint_of(second) == fingerprint_of(whole));
    }
  }
}
