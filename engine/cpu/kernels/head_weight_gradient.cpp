#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Gradient of one row of a head: feature times error, summed over the active views in order.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Features, int Vectors>
SACCADE_INLINE void some_features(const HeadWeightGradientTask& t, std::ptrdiff_t at, float* gradient, int lane) {
  const int lanes = t.shape.lanes();
  V16 sums[Features][Vectors];
#pragma GCC unroll 16
  for (int f = 0; f < Features; ++f)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) sums[f][v] = t.accumulate ? load(gradient + f * lanes + v * 16) : zero();
  for (int n = 0; n < t.views; ++n) {
    if (t.active && t.active[n * t.active_view] == 0) continue;
    const float* x = t.input + n * t.input_view + at;
    const float* error = t.error + n * t.error_view + lane;
#pragma GCC unroll 16
    for (int f = 0; f < Features; ++f) {
      const V16 feature = broadcast(x[f]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[f][v] = fma(feature, load(error + v * 16), sums[f][v]);
    }
  }
#pragma GCC unroll 16
  for (int f = 0; f < Features; ++f)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(gradient + f * lanes + v * 16, sums[f][v]);
}

template <int Vectors>
void all_features(const HeadWeightGradientTask& t, int lane) {
#if defined(SACCADE_ISA_avx512)
  constexpr int many = 16 / Vectors;
#else
  constexpr int many = 4 / Vectors;
#endif
  const MapShape& in = t.shape.in;
  const int lanes = t.shape.lanes();
  float* gradient = t.gradient + static_cast<std::ptrdiff_t>(t.row) * in.width * in.channels * lanes + lane;
  for (int column = 0; column < in.width; ++column) {
    const std::ptrdiff_t pixel = in.offset(t.row, column);
    int c = 0;
    for (; c + many <= in.channels; c += many, gradient += many * lanes)
      some_features<many, Vectors>(t, pixel + c, gradient, lane);
    for (; c < in.channels; ++c, gradient += lanes) some_features<1, Vectors>(t, pixel + c, gradient, lane);
  }
}

}  // namespace

void head_weight_gradient(const HeadWeightGradientTask& task) {
  const int lanes = task.shape.lanes();
  int lane = 0;
#if defined(SACCADE_ISA_avx512)
  for (; lane + 64 <= lanes; lane += 64) all_features<4>(task, lane);
#else
  for (; lane + 32 <= lanes; lane += 32) all_features<2>(task, lane);
#endif
  for (; lane < lanes; lane += 16) all_features<1>(task, lane);
}

}  // namespace saccade::cpu::SACCADE_ISA
