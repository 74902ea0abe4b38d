#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/event.h"

namespace saccade {

/// Order among events of one time: what ends a fixation comes before what begins the next.
enum class EventPriority : std::uint32_t { saccade = 0, view = 1, measure = 2 };

/// The place of an event in the total order. Keys of different events differ (source and the source's own sequence
/// number see to that), so the order does not depend on who inserted first.
struct EventKey {
  Time time = 0;
  EventPriority priority = EventPriority::view;
  std::uint32_t target = 0;
  std::uint32_t source = 0;
  std::uint64_t sequence = 0;
  friend auto operator<=>(const EventKey&, const EventKey&) = default;
};

struct ScheduledEvent {
  EventKey key;
  Event event;
};

/// A binary heap of events. Not thread-safe: owned by the thread that runs the simulation.
/// Invariant: pop() never goes back in time; pushing an event at or before the last popped key is a programming error
/// (std::logic_error), and so is a key that is already in the queue (found when the second one is popped).
class EventQueue {
 public:
  void push(ScheduledEvent event);
  /// The smallest key, or nothing when empty.
  std::optional<ScheduledEvent> pop();
  const EventKey* peek() const;
  std::size_t size() const { return heap_.size(); }
  bool empty() const { return heap_.empty(); }

 private:
  std::vector<ScheduledEvent> heap_;
  std::optional<EventKey> last_;
};

}  // namespace saccade
