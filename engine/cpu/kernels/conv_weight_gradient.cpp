#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Weight gradient: error (post-synaptic) times input (pre-synaptic), summed over positions in row-major order.
/// Behind a 2x2 max-pool only the winner of a window has an error, so a pooled layer costs a quarter of a dense one:
/// the error of window (r, c) meets the inputs around the winner's position. With a stride it meets those around
/// (2r, 2c).
namespace saccade::cpu::SACCADE_ISA {
namespace {

/// Sums of one output channel: Taps consecutive taps of one kernel row group x Vectors vectors of input channels in
/// registers.
template <int TapRows, int Vectors>
SACCADE_INLINE void one_unit(const ConvWeightGradientTask& t, int channel, int tap_row, int lane, int row_begin,
                             int row_end) {
  const MapShape& in = t.shape.in;
  const MapShape& out = t.shape.out;
  const std::ptrdiff_t in_row = in.row_stride();
  const int step = t.shape.step();
  float* gradient = t.gradient + (std::ptrdiff_t{channel} * 9 + tap_row * 3) * in.lanes + lane;
  V16 sums[TapRows * 3][Vectors];
#pragma GCC unroll 9
  for (int tap = 0; tap < TapRows * 3; ++tap)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) sums[tap][v] = zero();
  for (int r = row_begin; r < row_end; ++r) {
    const float* error = t.error + out.offset(r, 0) + channel;
    const std::uint8_t* winner = t.winners ? t.winners + std::ptrdiff_t{r} * out.width * out.lanes + channel : nullptr;
    const float* x_row = t.input + in.offset(step * r - 1 + tap_row, -1) + lane;
    for (int c = 0; c < out.width; ++c, error += out.lanes) {
      const float* x = x_row + step * c * in.lanes;
      if (winner) {
        x += (*winner >> 1) * in_row + (*winner & 1) * in.lanes;
        winner += out.lanes;
      }
      const V16 e = broadcast(*error);
#pragma GCC unroll 9
      for (int tap = 0; tap < TapRows * 3; ++tap)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v)
          sums[tap][v] = fma(e, load(x + (tap / 3) * in_row + (tap % 3) * in.lanes + v * 16), sums[tap][v]);
    }
  }
#pragma GCC unroll 9
  for (int tap = 0; tap < TapRows * 3; ++tap)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) {
      float* at = gradient + tap * in.lanes + v * 16;
      store(at, add(load(at), sums[tap][v]));
    }
}

#if defined(SACCADE_ISA_avx512)
constexpr int tap_rows = 3;
#else
constexpr int tap_rows = 1;
#endif

/// Input lanes are vectors. A few rows at a time for all 16 channels of the block, so that the inputs stay in cache;
/// each such part is summed on its own before it joins the gradient, which keeps the chain of roundings short over a
/// batch.
void many_inputs(const ConvWeightGradientTask& t) {
  constexpr int rows_at_once = 4;
  const int height = t.shape.out.height, lanes = t.shape.in.lanes;
  for (int row = 0; row < height; row += rows_at_once) {
    const int end = row + rows_at_once < height ? row + rows_at_once : height;
    for (int channel = t.block * 16; channel < t.block * 16 + 16; ++channel)
      for (int tap_row = 0; tap_row < 3; tap_row += tap_rows) {
        int lane = 0;
        for (; lane + 32 <= lanes; lane += 32) one_unit<tap_rows, 2>(t, channel, tap_row, lane, row, end);
        for (; lane < lanes; lane += 16) one_unit<tap_rows, 1>(t, channel, tap_row, lane, row, end);
      }
  }
}

/// Images have one or three channels: here the vectors run over the 16 output channels, and with pooling each of the
/// four positions of a window is visited with the error of those channels that it won.
void few_inputs(const ConvWeightGradientTask& t) {
  const MapShape& in = t.shape.in;
  const MapShape& out = t.shape.out;
  constexpr int at_once = 9;
  const int inputs = 9 * in.lanes, step = t.shape.step();
  for (int first = 0; first < inputs; first += at_once) {
    const int count = inputs - first < at_once ? inputs - first : at_once;
    std::ptrdiff_t offset[at_once] = {};
    for (int j = 0; j < count; ++j) {
      const int tap = (first + j) / in.lanes, lane = (first + j) % in.lanes;
      offset[j] = (tap / 3) * in.row_stride() + (tap % 3) * in.lanes + lane;
    }
    V16 sums[at_once];
    for (V16& sum : sums) sum = zero();
    for (int r = 0; r < out.height; ++r)
      for (int c = 0; c < out.width; ++c) {
        const V16 error = load(t.error + out.offset(r, c) + t.block * 16);
        const int positions = t.winners ? 4 : 1;
        const V16 winner =
            t.winners ? load_bytes(t.winners + (std::ptrdiff_t{r} * out.width + c) * out.lanes + t.block * 16) : zero();
        for (int p = 0; p < positions; ++p) {
          const V16 index = broadcast(static_cast<float>(p));
          const V16 own = if_greater(winner, index, zero(), if_greater(index, winner, zero(), error));
          const float* x = t.winners ? t.input + in.offset(2 * r + (p >> 1) - 1, 2 * c + (p & 1) - 1)
                                     : t.input + in.offset(step * r - 1, step * c - 1);
#pragma GCC unroll 9
          for (int j = 0; j < at_once; ++j) sums[j] = fma(own, broadcast(x[offset[j]]), sums[j]);
        }
      }
    for (int j = 0; j < count; ++j) {
      float column[16];
      store(column, sums[j]);
      for (int k = 0; k < 16; ++k) t.gradient[(std::ptrdiff_t{t.block} * 16 + k) * inputs + first + j] += column[k];
    }
  }
}

}  // namespace

void conv_weight_gradient(const ConvWeightGradientTask& task) {
  task.shape.in.lanes % 16 == 0 ? many_inputs(task) : few_inputs(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
