#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/local_errors.h"
#include "engine/cpu/kernels/pool.h"

/// Forward pass of a locally connected layer, with pooling and activation while the sums are in registers. A sum runs
/// over taps, then channels, as a convolution's does. One view is bound by reading the weights, which lie in the order
/// of the sum; of a batch, a few views at a time share what was read.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Blocks, int Views>
SACCADE_INLINE void sum_position(const LocalForwardTask& t, int block, int view, int row, int column,
                                 V16 (&sums)[Views][Blocks]) {
  const MapShape& in = t.shape.in;
  const std::ptrdiff_t of_tap = std::ptrdiff_t{16} * in.lanes, of_block = 9 * of_tap;
  const int stride = t.shape.stride();
  const float* weights = t.weights + t.shape.position(row, column) + block * of_block;
  const float* corner = t.input + view * t.input_view + in.offset(stride * row - 1, stride * column - 1);
#pragma GCC unroll 4
  for (int v = 0; v < Views; ++v)
#pragma GCC unroll 2
    for (int b = 0; b < Blocks; ++b) sums[v][b] = zero();
  for (int tap = 0; tap < 9; ++tap) {
    const float* x = corner + (tap / 3) * in.row_stride() + std::ptrdiff_t{tap % 3} * in.lanes;
    const float* w = weights + tap * of_tap;
    for (int channel = 0; channel < in.channels; ++channel, ++x, w += 16) {
      V16 weight[Blocks];
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b) weight[b] = load(w + b * of_block);
#pragma GCC unroll 4
      for (int v = 0; v < Views; ++v) {
        const V16 input = broadcast(x[v * t.input_view]);
#pragma GCC unroll 2
        for (int b = 0; b < Blocks; ++b) sums[v][b] = fma(input, weight[b], sums[v][b]);
      }
    }
  }
}

template <int Blocks, int Views>
void output(const LocalForwardTask& t, int block, int view) {
  const MapShape& out = t.shape.out;
  const bool pools = t.shape.pools();
  V16 sums[4][Views][Blocks];
  for (int p = 0; p < (pools ? 4 : 1); ++p)
    sum_position(t, block, view, pools ? 2 * t.row + p / 2 : t.row, pools ? 2 * t.column + p % 2 : t.column, sums[p]);
  for (int v = 0; v < Views; ++v)
    for (int b = 0; b < Blocks; ++b) {
      const int lane = (block + b) * 16;
      V16 result = sums[0][v][b];
      if (pools) {
        V16 winner;
        result = pool_window(sums[0][v][b], sums[1][v][b], sums[2][v][b], sums[3][v][b], winner);
        const std::ptrdiff_t window = std::ptrdiff_t{t.row} * out.width + t.column;
        if (t.winners) store_bytes(t.winners + (view + v) * t.winners_view + window * out.lanes + lane, winner);
      }
      store(t.output + (view + v) * t.output_view + out.offset(t.row, t.column) + lane,
            activate(t.shape.activation, result));
    }
}

template <int Blocks>
void all_views(const LocalForwardTask& t, int block) {
  int view = 0;
  for (; view + local_views <= t.views; view += local_views) output<Blocks, local_views>(t, block, view);
  for (; view < t.views; ++view) output<Blocks, 1>(t, block, view);
}

}  // namespace

void local_forward(const LocalForwardTask& t) {
  const int blocks = t.shape.out.lanes / 16;
  int block = 0;
  for (; block + blocks_per_tile <= blocks; block += blocks_per_tile) all_views<blocks_per_tile>(t, block);
  for (; block < blocks; ++block) all_views<1>(t, block);
}

}  // namespace saccade::cpu::SACCADE_ISA
