#pragma once
/// ThreadSanitizer as the race checker of emulated kernels: each CUDA thread is one of its fibers, none of which is
/// ordered against another but by release and acquire. Without -fsanitize=thread these functions do nothing.
///
/// A function that enters another fiber, or calls one that does, must be SACCADE_UNINSTRUMENTED: the sanitizer counts a
/// function's start and end, and both must fall on the same fiber.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
extern "C" void AnnotateIgnoreWritesBegin(const char* file, int line);
extern "C" void AnnotateIgnoreWritesEnd(const char* file, int line);
#endif

#define SACCADE_UNINSTRUMENTED __attribute__((no_sanitize("thread")))

namespace saccade::emulation::thread_sanitizer {

using Fiber = void*;

#if defined(__SANITIZE_THREAD__)

inline constexpr bool present = true;
/// Reports show the name.
SACCADE_UNINSTRUMENTED inline Fiber create(const char* name) {
  const Fiber fiber = __tsan_create_fiber(0);
  __tsan_set_fiber_name(fiber, name);
  return fiber;
}
SACCADE_UNINSTRUMENTED inline Fiber current() { return __tsan_get_current_fiber(); }
SACCADE_UNINSTRUMENTED inline void enter(Fiber fiber) { __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync); }
/// What the current fiber did so far comes before what follows a later acquire of the same tag.
SACCADE_UNINSTRUMENTED inline void release(void* tag) { __tsan_release(tag); }
SACCADE_UNINSTRUMENTED inline void acquire(void* tag) { __tsan_acquire(tag); }
/// In between, memory that is mapped has no history; else it counts as written by whoever maps it.
SACCADE_UNINSTRUMENTED inline void ignore_writes() { AnnotateIgnoreWritesBegin(__FILE__, __LINE__); }
SACCADE_UNINSTRUMENTED inline void notice_writes() { AnnotateIgnoreWritesEnd(__FILE__, __LINE__); }

#else

inline constexpr bool present = false;
inline Fiber create(const char*) { return nullptr; }
inline Fiber current() { return nullptr; }
inline void enter(Fiber) {}
inline void release(void*) {}
inline void acquire(void*) {}

#endif

}  // namespace saccade::emulation::thread_sanitizer
