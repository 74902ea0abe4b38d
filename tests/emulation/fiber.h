#pragma once
#include <cstddef>
#include <functional>

namespace saccade::emulation {

/// A stack that code can be left on and come back to, with a guard page at its end. AddressSanitizer is told of each
/// switch. ThreadSanitizer is not: which of its fibers executes is independent of the stack (thread_sanitizer.h).
class Fiber {
 public:
  /// Stands for the stack of whoever switches from it first.
  Fiber() = default;
  /// `body` starts at the first switch to this fiber, and never returns. Fibers with different `number` start at
  /// different distances from their page's end: at equal ones, all their frames would share a few lines of the cache.
  Fiber(void (*body)(), std::size_t number);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// From the fiber that executes to another; returns when there is a switch back.
  static void switch_over(Fiber& from, Fiber& to);
  /// On this fiber's own stack: calls `body`, whose frames lie in memory that is fresh to ThreadSanitizer. Else it
  /// would take the local variables of two CUDA threads, one after the other on one stack, for shared ones.
  void call_on_fresh_memory(const std::function<void()>& body);

 private:
  struct Switch;

  void (*body_)() = nullptr;
  void* mapping_ = nullptr;
  void* context_ = nullptr;
  /// As AddressSanitizer needs them: the lowest address and the size, and what it keeps for a stack that is left.
  const void* stack_ = nullptr;
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

}  // namespace saccade::emulation
