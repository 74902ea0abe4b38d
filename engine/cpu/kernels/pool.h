#pragma once
#include "engine/cpu/kernels/simd.h"

namespace saccade::cpu::SACCADE_ISA {

/// Largest value of a 2x2 window given in row-major order, and its index; the first of equals wins because only a
/// greater one replaces it.
SACCADE_INLINE V16 pool_window(V16 a, V16 b, V16 c, V16 d, V16& winner) {
  V16 best = a;
  winner = if_greater(b, best, broadcast(1), zero());
  best = if_greater(b, best, b, best);
  winner = if_greater(c, best, broadcast(2), winner);
  best = if_greater(c, best, c, best);
  winner = if_greater(d, best, broadcast(3), winner);
  return if_greater(d, best, d, best);
}

}  // namespace saccade::cpu::SACCADE_ISA
