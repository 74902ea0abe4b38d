#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>

#include "engine/event.h"

namespace saccade {

class ArrivalLog;

/// An accepted event, recorded and flushed, on its way to the learner.
struct Arrival {
  Event event;
  std::uint64_t connection = 0;     ///< 0: none that waits for an answer
  std::uint64_t number = 0;         ///< of the connection's events
  const ArrivalLog* log = nullptr;  ///< where it is recorded
};

/// What an event takes while it waits.
std::size_t bytes_of(const Event& event);

/// Accepted events between the server's thread, which pushes, and the learner's, which pops. It holds what it is given:
/// who pushes asks has_room() first, and where there is none says so by park(), once, and waits to be called.
class ArrivalQueue {
 public:
  ArrivalQueue(std::size_t most, std::size_t most_bytes) : most_(most), most_bytes_(most_bytes) {}

  void push(Arrival&& arrival);
  /// Nothing when none has come for so long. Throws what the queue has failed with, behind all that was pushed.
  std::optional<Arrival> pop(std::chrono::milliseconds wait);
  void fail(std::exception_ptr fault);

  /// For one more, beside so many that are about to be pushed.
  bool has_room(std::size_t events = 0, std::size_t bytes = 0) const;
  void park() { parked_ = true; }
  /// Whether someone waits, and there is room enough to call him; true once.
  bool calls();
  bool half_empty() const;
  std::size_t size() const;

 private:
  const std::size_t most_, most_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Arrival> queue_;
  std::size_t bytes_ = 0;
  std::exception_ptr fault_;
  std::atomic<bool> parked_ = false;
};

}  // namespace saccade
