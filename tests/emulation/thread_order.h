#pragma once
#include <vector>

#include "cuda_emulation.h"

namespace saccade::reference {

using ThreadOrder = emulation::Order;

inline void set_thread_order(ThreadOrder order) { emulation::set_order(order); }

/// A sanitizer sees races and overflows in any order; three times its time would tell no more.
inline std::vector<ThreadOrder> thread_orders() {
  using Kind = ThreadOrder::Kind;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return {{Kind::random, 7}};
#else
  return {{Kind::ascending, 0}, {Kind::descending, 0}, {Kind::random, 7}};
#endif
}

}  // namespace saccade::reference
