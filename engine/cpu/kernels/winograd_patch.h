#pragma once
#include "engine/cpu/kernels/winograd.h"

/// Where Winograd's scheme reads: patches of a map, and of errors that are known per window of a pool or at every
/// second position of a stride, which are spread out to the convolution's resolution on the fly.
namespace saccade::cpu::SACCADE_ISA {

/// Place of a tile: view and first output.
struct Place {
  int view, row, column;
};

SACCADE_INLINE Place place_of(const WinogradSource& s, int tile) {
  const int columns = (s.width + winograd_tile - 1) / winograd_tile;
  const int rows = (s.height + winograd_tile - 1) / winograd_tile;
  const int view = tile / (rows * columns), at = tile % (rows * columns);
  return {s.views ? s.views[view] : view, at / columns * winograd_tile, at % columns * winograd_tile};
}

/// Patch of a map with a border of one zero pixel; beyond it all is zero too.
SACCADE_INLINE void read_dense(const WinogradSource& s, const Place& p, int channel, V16 (&d)[6][6]) {
  const MapShape& in = s.map;
  const float* corner = s.data + p.view * s.data_view + in.offset(p.row - 1, p.column - 1) + channel;
  const std::ptrdiff_t row = in.row_stride();
  if (p.row + winograd_tile <= in.height && p.column + winograd_tile <= in.width) {
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r)
#pragma GCC unroll 6
      for (int c = 0; c < 6; ++c) d[r][c] = load(corner + r * row + c * in.lanes);
  } else {
    for (int r = 0; r < 6; ++r)
      for (int c = 0; c < 6; ++c)
        d[r][c] =
            p.row + r <= in.height + 1 && p.column + c <= in.width + 1 ? load(corner + r * row + c * in.lanes) : zero();
  }
}

/// The error of window (y, x) for 16 channels at the position that won in each, 0 at the three others; without winners
/// position 0 won. Beyond the map, which `inside` rules out, there is no error.
SACCADE_INLINE void spread_window(const WinogradSource& s, int view, int channel, int y, int x, bool inside,
                                  V16 (&errors)[4]) {
  const MapShape& in = s.map;
  const bool there = inside || (y >= 0 && y < in.height && x >= 0 && x < in.width);
  const V16 error = there ? load(s.data + view * s.data_view + in.offset(y, x) + channel) : zero();
  if (s.winners && there) {
    const std::uint8_t* winners =
        s.winners + view * s.winners_view + (std::ptrdiff_t{y} * in.width + x) * in.lanes + channel;
    where_byte_is(winners, error, errors);
  } else {
    errors[0] = error;
    errors[1] = errors[2] = errors[3] = zero();
  }
}

/// Patch of errors per window: pixel (y, x) has the error of window (y / 2, x / 2) where it was the winner, else 0.
SACCADE_INLINE void read_spread(const WinogradSource& s, const Place& p, int channel, V16 (&d)[6][6]) {
  const MapShape& in = s.map;
  const bool inside = p.row > 0 && p.column > 0 && p.row + 6 <= 2 * in.height && p.column + 6 <= 2 * in.width;
#pragma GCC unroll 4
  for (int wr = 0; wr < 4; ++wr)
#pragma GCC unroll 4
    for (int wc = 0; wc < 4; ++wc) {
      V16 errors[4];
      spread_window(s, p.view, channel, p.row / 2 - 1 + wr, p.column / 2 - 1 + wc, inside, errors);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i)
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j) {
          const int r = 2 * wr + i - 1, c = 2 * wc + j - 1;
          if (r >= 0 && r < 6 && c >= 0 && c < 6) d[r][c] = errors[2 * i + j];
        }
    }
}

/// Writes B^T d B of a patch for 16 channels: 36 vectors, `step` floats apart.
SACCADE_INLINE void write_patch(const WinogradSource& s, const Place& p, int channel, float* to, std::ptrdiff_t step) {
  V16 d[6][6];
  s.spread ? read_spread(s, p, channel, d) : read_dense(s, p, channel, d);
  winograd_patch_transform(d);
#pragma GCC unroll 6
  for (int r = 0; r < 6; ++r)
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) store(to + (r * 6 + c) * step, d[r][c]);
}

}  // namespace saccade::cpu::SACCADE_ISA
