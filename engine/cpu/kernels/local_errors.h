#pragma once
#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

namespace saccade::cpu::SACCADE_ISA {

/// Views that a local kernel takes at a time, so that a weight is fetched once for all of them.
inline constexpr int local_views = 4;

/// Errors of channels [16 block, 16 block + 16) of a listed view at position (row, column) before pooling: behind a
/// max-pool, those that this position won.
SACCADE_INLINE V16 local_error(const LocalErrors& e, int index, int row, int column, int block) {
  const MapShape& out = e.shape.out;
  const std::ptrdiff_t view = e.active[index];
  const float* errors = e.error + view * e.error_view + block * 16;
  if (!e.winners) return load(errors + out.offset(row, column));
  const std::ptrdiff_t window = std::ptrdiff_t{row / 2} * out.width + column / 2;
  V16 parts[4];
  where_byte_is(e.winners + view * e.winners_view + window * out.lanes + block * 16,
                load(errors + out.offset(row / 2, column / 2)), parts);
  return parts[row % 2 * 2 + column % 2];
}

}  // namespace saccade::cpu::SACCADE_ISA
