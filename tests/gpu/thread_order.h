#pragma once
#include <cstdint>
#include <vector>

namespace saccade::reference {

/// A card runs its threads in orders of its own: a test that asks for several is run as often, and must get the same
/// bits.
struct ThreadOrder {
  enum class Kind { ascending, descending, random };
  Kind kind = Kind::ascending;
  std::uint64_t seed = 0;
};

inline void set_thread_order(ThreadOrder) {}

inline std::vector<ThreadOrder> thread_orders() {
  using Kind = ThreadOrder::Kind;
  return {{Kind::ascending, 0}, {Kind::descending, 0}, {Kind::random, 7}};
}

}  // namespace saccade::reference
