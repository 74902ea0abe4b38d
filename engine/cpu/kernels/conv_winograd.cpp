#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/pool.h"
#include "engine/cpu/kernels/winograd_patch.h"

/// A convolution by Winograd's scheme for some tiles of some views: patches of the map read are transformed a chunk of
/// channels at a time, multiplied with the transformed weights, and the outputs are finished (pool and activation on
/// the way up, derivative of the activation on the way down) while they are in registers. Behind a pool or a stride the
/// errors are spread out to the convolution's resolution as patches are read: a window's error stands where its winner
/// was.
namespace saccade::cpu::SACCADE_ISA {
namespace {

SACCADE_INLINE void finish_pooled(const WinogradTask& t, const Place& p, int lane, const V16 (&y)[4][4]) {
  const MapShape& out = t.out;
  for (int r = 0; r < 2; ++r)
    for (int c = 0; c < 2; ++c) {
      const int row = p.row / 2 + r, column = p.column / 2 + c;
      if (row >= out.height || column >= out.width) continue;
      V16 winner;
      const V16 best =
          pool_window(y[2 * r][2 * c], y[2 * r][2 * c + 1], y[2 * r + 1][2 * c], y[2 * r + 1][2 * c + 1], winner);
      store(t.output + p.view * t.output_view + out.offset(row, column) + lane, activate(t.activation, best));
      if (t.winners)
        store_bytes(t.winners + p.view * t.winners_view + (std::ptrdiff_t{row} * out.width + column) * out.lanes + lane,
                    winner);
    }
}

SACCADE_INLINE void finish_dense(const WinogradTask& t, const Place& p, int lane, const V16 (&y)[4][4]) {
  const MapShape& out = t.out;
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c) {
      if (p.row + r >= out.height || p.column + c >= out.width) continue;
      const std::ptrdiff_t at = out.offset(p.row + r, p.column + c) + lane;
      store(t.output + p.view * t.output_view + at,
            t.below ? through_derivative(t.activation, load(t.below + p.view * t.below_view + at), y[r][c])
                    : activate(t.activation, y[r][c]));
    }
}

/// Outputs of one tile for 16 channels, from its 36 products.
SACCADE_INLINE void finish(const WinogradTask& t, const Place& p, int lane, const float* products,
                           std::ptrdiff_t step) {
  V16 rows[4][6];
#pragma GCC unroll 6
  for (int c = 0; c < 6; ++c) {
    auto at = [&](int r) __attribute__((always_inline)) { return load(products + (r * 6 + c) * step); };
    V16 column[4];
    winograd_output(at(0), at(1), at(2), at(3), at(4), at(5), column);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) rows[r][c] = column[r];
  }
  V16 y[4][4];
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r)
    winograd_output(rows[r][0], rows[r][1], rows[r][2], rows[r][3], rows[r][4], rows[r][5], y[r]);
  t.pools ? finish_pooled(t, p, lane, y) : finish_dense(t, p, lane, y);
}

}  // namespace

void conv_winograd(const WinogradTask& t) {
  const int lanes = t.source.map.lanes, count = t.end - t.begin;
  const int tiles = (count + 7) / 8 * 8;  // patches beyond the last are left over from before and finish nowhere
  const std::ptrdiff_t product_step = winograd_step(tiles, 32);
  float* patches = t.scratch;
  float* products = patches + 36 * winograd_step(tiles, t.channels_at_once);
  const bool one_chunk = lanes <= t.channels_at_once;
  Place places[winograd_most_tiles];
  for (int i = 0; i < count; ++i) places[i] = place_of(t.source, t.begin + i);
  for (int first = 0; first < lanes; first += t.channels_at_once) {
    const int channels = lanes - first < t.channels_at_once ? lanes - first : t.channels_at_once;
    for (int i = 0; i < count; ++i) {
      float* to = patches + i * channels;
      for (int c = 0; c < channels; c += 16)
        write_patch(t.source, places[i], first + c, to + c, winograd_step(tiles, channels));
    }
    for (int lane = 0; lane < t.out.lanes; lane += 32) {
      const int blocks = t.out.lanes - lane < 32 ? 1 : 2;
      float* own = one_chunk ? products : products + lane / 32 * 36 * product_step;
      const std::ptrdiff_t block = std::ptrdiff_t{36} * lanes * 16;
      winograd_products({tiles, channels, patches, t.weights + lane / 16 * block + std::ptrdiff_t{first} * 16, lanes,
                         block, blocks, own, first > 0});
      if (first + channels < lanes) continue;
      for (int i = 0; i < count; ++i)
        for (int b = 0; b < blocks; ++b) finish(t, places[i], lane + b * 16, own + i * 32 + b * 16, product_step);
    }
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
