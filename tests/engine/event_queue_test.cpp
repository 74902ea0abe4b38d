#include "engine/event_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

namespace {

using saccade::Event;
using saccade::EventKey;
using saccade::EventPriority;
using saccade::EventQueue;
using saccade::Saccade;
using saccade::ScheduledEvent;
using saccade::View;

/// An event that can be told from others by its payload.
ScheduledEvent event(EventKey key, std::uint64_t mark = 0) { return {key, Saccade{key.time, mark}}; }

std::uint64_t mark(const ScheduledEvent& scheduled) { return std::get<Saccade>(scheduled.event).fixation; }

TEST_CASE("an empty queue gives nothing") {
  EventQueue queue;
  CHECK(queue.empty());
  CHECK(queue.peek() == nullptr);
  CHECK_FALSE(queue.pop());
}

TEST_CASE("events of one time are ordered by priority, target, source and sequence, in this order") {
  const std::vector<EventKey> sorted{{5, EventPriority::saccade, 9, 9, 9}, {5, EventPriority::view, 1, 9, 9},
                                     {5, EventPriority::view, 2, 1, 9},    {5, EventPriority::view, 2, 2, 1},
                                     {5, EventPriority::view, 2, 2, 2},    {5, EventPriority::measure, 0, 0, 0},
                                     {6, EventPriority::saccade, 0, 0, 0}};
  std::vector<std::size_t> order(sorted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  do {  // every order of insertion
    EventQueue queue;
    for (std::size_t i : order) queue.push(event(sorted[i], i));
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      REQUIRE(*queue.peek() == sorted[i]);
      const auto popped = queue.pop();
      REQUIRE(popped);
      REQUIRE(popped->key == sorted[i]);
      REQUIRE(mark(*popped) == i);
    }
    REQUIRE(queue.empty());
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("pushes and pops at random agree with a sorted list") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    EventQueue queue;
    std::vector<ScheduledEvent> model;
    saccade::Time now = 0;
    for (std::uint64_t step = 0; step < 2000; ++step) {
      if (random() % 5 < 3) {
        // Times are few, so that ties are many; the sequence number keeps keys apart and above what was popped.
        const auto pick = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
        const EventKey key{now + 1 + pick(4), static_cast<EventPriority>(pick(3)), pick(3), pick(3), step};
        queue.push(event(key, step));
        model.push_back(event(key, step));
      } else {
        const auto smallest =
            std::min_element(model.begin(), model.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        const auto popped = queue.pop();
        REQUIRE(popped.has_value() == (smallest != model.end()));
        if (!popped) continue;
        REQUIRE(popped->key == smallest->key);
        REQUIRE(mark(*popped) == mark(*smallest));
        now = popped->key.time;
        model.erase(smallest);
      }
      REQUIRE(queue.size() == model.size());
    }
  }
}

TEST_CASE("payloads travel unharmed") {
  EventQueue queue;
  const auto pixels = std::make_shared<const saccade::Pixels>(3, 0.5f);
  View view;
  view.time = 7;
  view.pixels = pixels;
  queue.push({EventKey{7, EventPriority::view, 0, 0, 1}, view});
  const auto popped = queue.pop();
  REQUIRE(popped);
  CHECK(std::get<View>(popped->event).pixels == pixels);
}

TEST_CASE("the same key twice is found") {
  EventQueue queue;
  const EventKey key{1, EventPriority::view, 0, 0, 4};
  queue.push(event(key, 1));
  queue.push(event({1, EventPriority::view, 0, 0, 5}));
  queue.push(event(key, 2));
  queue.pop();
  CHECK_THROWS_WITH_AS(queue.pop(),
                       "EventQueue: two events with the same key (time 1, priority 1, target 0, source 0, sequence 4)",
                       std::logic_error);
}

TEST_CASE("no event goes back in time") {
  EventQueue queue;
  const EventKey key{10, EventPriority::view, 1, 1, 1};
  queue.push(event(key));
  queue.pop();
  CHECK_THROWS_AS(queue.push(event(key)), std::logic_error);
  CHECK_THROWS_AS(queue.push(event({10, EventPriority::saccade, 1, 1, 2})), std::logic_error);
  CHECK_THROWS_AS(queue.push(event({9, EventPriority::measure, 9, 9, 9})), std::logic_error);
  CHECK(queue.empty());
  queue.push(event({10, EventPriority::view, 1, 1, 2}));
  CHECK(queue.size() == 1);
}

}  // namespace
