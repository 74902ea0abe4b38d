#include "tools/run/interrupt.h"

#include <atomic>
#include <csignal>

namespace saccade {
namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void raise_flag(int) { flag.store(true, std::memory_order_relaxed); }

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = raise_flag;
  // One shot: the second signal meets the default action, which ends the program. Reads and writes go on undisturbed.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // Whoever stops reading what it says does not end it.
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return flag.load(std::memory_order_relaxed); }

}  // namespace saccade
