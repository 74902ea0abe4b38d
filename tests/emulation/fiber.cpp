#include "fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <new>

#include "thread_sanitizer.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

/// The bare switch of Boost.Context. Its public classes would want a Boost that was built for the sanitizers, and
/// Debian's is not; with the bare switch the few calls that a sanitizer needs are ours.
namespace saccade::emulation {

namespace context = boost::context::detail;

namespace {

constexpr std::size_t page_bytes = 4096, stack_bytes = 64 << 10, line_bytes = 64;

}  // namespace

struct Fiber::Switch {
  Fiber &from, &to;

  /// On the stack that was switched to.
  SACCADE_UNINSTRUMENTED static Fiber& arrive(context::transfer_t transfer) {
    const Switch& change = *static_cast<const Switch*>(transfer.data);
    Fiber& here = change.to;
    change.from.context_ = transfer.fctx;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(here.fake_stack_, &change.from.stack_, &change.from.stack_bytes_);
#endif
    return here;
  }

  SACCADE_UNINSTRUMENTED static void start(context::transfer_t transfer) {
    arrive(transfer).body_();
    std::abort();
  }
};

Fiber::Fiber(void (*body)(), std::size_t number) : body_(body), stack_bytes_(stack_bytes) {
  mapping_ = mmap(nullptr, page_bytes + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  mprotect(mapping_, page_bytes, PROT_NONE);
  char* const lowest = static_cast<char*>(mapping_) + page_bytes;
  stack_ = lowest;
  const std::size_t usable = stack_bytes - number % (page_bytes / line_bytes) * line_bytes;
  context_ = context::make_fcontext(lowest + usable, usable, Switch::start);
}

Fiber::~Fiber() {
  if (mapping_ != nullptr) munmap(mapping_, page_bytes + stack_bytes);
}

SACCADE_UNINSTRUMENTED void Fiber::switch_over(Fiber& from, Fiber& to) {
  Switch change{from, to};
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.stack_bytes_);
#endif
  Switch::arrive(context::jump_fcontext(to.context_, &change));
}

#if defined(__SANITIZE_THREAD__)
SACCADE_UNINSTRUMENTED __attribute__((noinline)) void Fiber::call_on_fresh_memory(const std::function<void()>& body) {
  char* const frame = static_cast<char*>(__builtin_frame_address(0));
  char* const lowest = static_cast<char*>(mapping_) + page_bytes;
  // Whole pages below this frame and what it calls here: mapped anew, they have no history.
  const std::size_t fresh = (static_cast<std::size_t>(frame - lowest) - page_bytes) / page_bytes * page_bytes;
  thread_sanitizer::ignore_writes();
  const void* mapped = mmap(lowest, fresh, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  thread_sanitizer::notice_writes();
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const gap = static_cast<volatile char*>(__builtin_alloca(2 * page_bytes));  // to get below what was kept
  *gap = 0;
  body();
}
#else
void Fiber::call_on_fresh_memory(const std::function<void()>& body) { body(); }
#endif

}  // namespace saccade::emulation
