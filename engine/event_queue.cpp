#include "engine/event_queue.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace saccade {
namespace {

bool later(const ScheduledEvent& a, const ScheduledEvent& b) { return a.key > b.key; }

std::string describe(const EventKey& key) {
  return "(time " + std::to_string(key.time) + ", priority " +
         std::to_string(static_cast<std::uint32_t>(key.priority)) + ", target " + std::to_string(key.target) +
         ", source " + std::to_string(key.source) + ", sequence " + std::to_string(key.sequence) + ")";
}

}  // namespace

void EventQueue::push(ScheduledEvent event) {
  if (last_ && event.key <= *last_) {
    throw std::logic_error("EventQueue: pushed event " + describe(event.key) + ", but already at " + describe(*last_));
  }
  heap_.push_back(std::move(event));
  std::push_heap(heap_.begin(), heap_.end(), later);
}

std::optional<ScheduledEvent> EventQueue::pop() {
  if (heap_.empty()) return std::nullopt;
  std::pop_heap(heap_.begin(), heap_.end(), later);
  std::optional<ScheduledEvent> event(std::move(heap_.back()));
  heap_.pop_back();
  if (last_ && event->key == *last_) {
    throw std::logic_error("EventQueue: two events with the same key " + describe(event->key));
  }
  last_ = event->key;
  return event;
}

const EventKey* EventQueue::peek() const { return heap_.empty() ? nullptr : &heap_.front().key; }

}  // namespace saccade
