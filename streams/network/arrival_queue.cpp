#include "streams/network/arrival_queue.h"

namespace saccade {

std::size_t bytes_of(const Event& event) {
  const auto* view = std::get_if<View>(&event);
  return sizeof(Event) + (view && view->pixels ? view->pixels->size() * sizeof(float) : 0);
}

void ArrivalQueue::push(Arrival&& arrival) {
  const std::lock_guard lock(mutex_);
  bytes_ += bytes_of(arrival.event);
  queue_.push_back(std::move(arrival));
  came_.notify_one();
}

std::optional<Arrival> ArrivalQueue::pop(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, wait, [&] { return !queue_.empty() || fault_; });
  if (queue_.empty() && fault_) std::rethrow_exception(fault_);
  if (queue_.empty()) return {};
  Arrival first = std::move(queue_.front());
  queue_.pop_front();
  bytes_ -= bytes_of(first.event);
  return first;
}

void ArrivalQueue::fail(std::exception_ptr fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
  came_.notify_one();
}

bool ArrivalQueue::has_room(std::size_t events, std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return queue_.size() + events < most_ && bytes_ + bytes < most_bytes_;
}

bool ArrivalQueue::half_empty() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() <= most_ / 2 && bytes_ <= most_bytes_ / 2;
}

bool ArrivalQueue::calls() { return parked_.load() && half_empty() && parked_.exchange(false); }

std::size_t ArrivalQueue::size() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace saccade
