#include "tests/models/ahead.h"

#include <stdexcept>

#include "engine/device.h"

using namespace saccade;
using namespace saccade::test;

namespace {

std::vector<Event> plain_events(const Run& run) {
  std::vector<Event> events;
  for (const ScheduledEvent& event : events_of(run)) events.push_back(event.event);
  return events;
}

}  // namespace

TEST_CASE("views sent without waiting come to what they come to one by one") {
  const auto device = make_cpu_device(1);
  const Run runs[] = {
      {.name = "rll", .views = 60},
      {.name = "e2e unblocked adam", .schedule = "e2e", .optimiser = "adam", .block = false, .views = 40},
      {.name = "pll held", .schedule = "pll", .memory = "held", .views_per_fixation = 3, .views = 40},
      {.name = "falling, covariance", .views = 40, .activity = "covariance", .final_rate = 0.1}};
  for (const Run& run : runs) {
    CAPTURE(run.name);
    for (const std::size_t block : {1, 2, 7, 100})
      check_ahead(*device, network_of(run), options_of(run), plain_events(run), block);
  }
}

TEST_CASE("views sent without waiting: replicas that remember differently, several streams") {
  const auto device = make_cpu_device(1);
  const Run run{.name = "variants", .views_per_fixation = 3, .views = 60};
  LearnerOptions options = options_of(run);
  const Rates& rates = options.rates;
  options.variants = {{3, 0.2f, -1, rates, 5}, {1, 0.7f, 0.5, rates, 5}, {2, 0.2f, 0.2, rates, 9}};
  options.replicas = 3;
  options.streams = 2;
  std::vector<Event> events = plain_events(run);
  const std::vector<Event> other = events;
  for (std::size_t i = 0; i < other.size(); ++i) {
    Event event = other[i];
    std::visit([](auto& e) { e.stream = 1; }, event);
    events.insert(events.begin() + static_cast<std::ptrdiff_t>(2 * i + 1), std::move(event));
  }
  for (const std::size_t block : {3, 50}) check_ahead(*device, network_of(run), options, events, block);
}

TEST_CASE("a learner that was sent something has no state before it is settled") {
  const auto device = make_cpu_device(1);
  const Run run{.name = "unsettled", .views = 4};
  OnlineLearner learner(*device, network_of(run), options_of(run));
  CHECK_THROWS_AS(learner.records(), std::out_of_range);
  for (const Event& event : plain_events(run)) learner.send(event);
  CHECK_THROWS_AS(saved(learner), std::logic_error);
  learner.settle();
  CHECK(saved(learner).event == 4);
}
