#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Weight gradient: error (post-synaptic) times input (pre-synaptic), summed over positions in row-major order.
/// Behind a 2x2 max-pool only the winner of a window has an error, so a pooled layer costs a quarter of a dense one:
/// the error of window (r, c) meets the inputs around the winner's position. With a stride it meets those around
/// (2r, 2c).
///
/// Vectors run over input lanes. A few rows are taken at a time for all channels of the task, so that their inputs stay
/// in the first cache; each such part is summed in registers on its own before it joins the gradient, which also keeps
/// the chain of roundings short over a batch.
namespace saccade::cpu::SACCADE_ISA {
namespace {

#if defined(SACCADE_ISA_avx512)
constexpr int tap_rows = 3;  // 9 taps x 2 vectors: 18 of 32 registers
#else
constexpr int tap_rows = 1;
#endif

/// Part of the gradient: taps from row `tap_row` of the kernel on, lanes from `lane` on, windows of rows [row, end).
struct Part {
  int channel, tap_row, lane, row, end;
};

/// Channels x taps x Vectors sums. Channels that share the positions of their inputs share the loads.
template <int Channels, int Vectors>
SACCADE_INLINE void one_part(const ConvWeightGradientTask& t, const Part& p) {
  const MapShape& in = t.shape.in;
  const MapShape& out = t.shape.out;
  const std::ptrdiff_t in_row = in.row_stride(), unit = std::ptrdiff_t{9} * in.lanes;
  const int step = t.shape.step();
  float* gradient = t.gradient + p.channel * unit + p.tap_row * 3 * in.lanes + p.lane;
  V16 sums[Channels][tap_rows * 3][Vectors];
#pragma GCC unroll 2
  for (int k = 0; k < Channels; ++k)
#pragma GCC unroll 9
    for (int tap = 0; tap < tap_rows * 3; ++tap)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) sums[k][tap][v] = zero();
  for (int r = p.row; r < p.end; ++r) {
    const float* error = t.error + out.offset(r, 0) + p.channel;
    const std::uint8_t* winner =
        t.winners ? t.winners + std::ptrdiff_t{r} * out.width * out.lanes + p.channel : nullptr;
    const float* x_row = t.input + in.offset(step * r - 1 + p.tap_row, -1) + p.lane;
    for (int c = 0; c < out.width; ++c, error += out.lanes, x_row += step * in.lanes) {
      const float* x = x_row;
      if (Channels == 1 && winner) {
        x += (*winner >> 1) * in_row + (*winner & 1) * in.lanes;
        winner += out.lanes;
      }
      V16 e[Channels];
#pragma GCC unroll 2
      for (int k = 0; k < Channels; ++k) e[k] = broadcast(error[k]);
#pragma GCC unroll 9
      for (int tap = 0; tap < tap_rows * 3; ++tap)
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          const V16 activity = load(x + (tap / 3) * in_row + (tap % 3) * in.lanes + v * 16);
#pragma GCC unroll 2
          for (int k = 0; k < Channels; ++k) sums[k][tap][v] = fma(e[k], activity, sums[k][tap][v]);
        }
    }
  }
#pragma GCC unroll 2
  for (int k = 0; k < Channels; ++k)
#pragma GCC unroll 9
    for (int tap = 0; tap < tap_rows * 3; ++tap)
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) {
        float* at = gradient + k * unit + tap * in.lanes + v * 16;
        store(at, add(load(at), sums[k][tap][v]));
      }
}

/// Rows of windows that make about 32 positions: their inputs, 32 lanes of them, fit the first cache.
int rows_of_a_part(const ConvShape& s) {
  const int rows = 32 / s.out.width;
  return rows < 1 ? 1 : rows;
}

void many_inputs(const ConvWeightGradientTask& t) {
  const int height = t.shape.out.height, lanes = t.shape.in.lanes, rows = rows_of_a_part(t.shape);
  const int begin = t.block * 16, end = begin + 16;
  for (int row = 0; row < height; row += rows) {
    Part p{0, 0, 0, row, row + rows < height ? row + rows : height};
    for (p.tap_row = 0; p.tap_row < 3; p.tap_row += tap_rows) {
      if (!t.winners) {
        for (p.lane = 0; p.lane < lanes; p.lane += 16)
          for (p.channel = begin; p.channel < end; p.channel += 2) one_part<2, 1>(t, p);
        continue;
      }
      for (p.lane = 0; p.lane + 32 <= lanes; p.lane += 32)
        for (p.channel = begin; p.channel < end; ++p.channel) one_part<1, 2>(t, p);
      for (; p.lane < lanes; p.lane += 16)
        for (p.channel = begin; p.channel < end; ++p.channel) one_part<1, 1>(t, p);
    }
  }
}

/// Images have one or three channels: here the vectors run over the 16 output channels, and with pooling each of the
/// four positions of a window is visited with the error of those channels that it won.
template <bool Pooled>
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
    auto learn = [&](V16 error, const float* x) __attribute__((always_inline)) {
#pragma GCC unroll 9
      for (int j = 0; j < at_once; ++j) sums[j] = fma(error, broadcast(x[offset[j]]), sums[j]);
    };
    for (int r = 0; r < out.height; ++r)
      for (int c = 0; c < out.width; ++c) {
        const V16 error = load(t.error + out.offset(r, c) + t.block * 16);
        const float* x = t.input + in.offset(step * r - 1, step * c - 1);
        if constexpr (Pooled) {
          V16 errors[4];
          where_byte_is(t.winners + (std::ptrdiff_t{r} * out.width + c) * out.lanes + t.block * 16, error, errors);
          for (int p = 0; p < 4; ++p) learn(errors[p], x + (p >> 1) * in.row_stride() + (p & 1) * in.lanes);
        } else {
          learn(error, x);
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
  if (task.shape.in.lanes % 16 == 0)
    many_inputs(task);
  else
    task.winners ? few_inputs<true>(task) : few_inputs<false>(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
