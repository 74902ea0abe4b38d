#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Part of a head's sum that comes from one row of the map. Even and odd features go to sums of their own (two chains
/// hide the latency of the multiply-add), added at the end: the order does not depend on how many views share the
/// weights.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Views, int Vectors>
SACCADE_INLINE void some_views(const HeadForwardTask& t, int view, int lane) {
  const MapShape& in = t.shape.in;
  const int lanes = t.shape.lanes();
  const float* w = t.weights + static_cast<std::ptrdiff_t>(t.row) * in.width * in.channels * lanes + lane;
  const float* x[Views];
  V16 even[Views][Vectors], odd[Views][Vectors];
#pragma GCC unroll 8
  for (int n = 0; n < Views; ++n) {
    x[n] = t.input + (view + n) * t.input_view + in.offset(t.row, 0);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) even[n][v] = odd[n][v] = zero();
  }
  auto step = [&](std::ptrdiff_t at, V16(&sums)[Views][Vectors]) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int n = 0; n < Views; ++n) {
      const V16 feature = broadcast(x[n][at]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[n][v] = fma(feature, load(w + v * 16), sums[n][v]);
    }
    w += lanes;
  };
  for (int column = 0; column < in.width; ++column) {
    const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(column) * in.lanes;
    int c = 0;
    for (; c + 2 <= in.channels; c += 2) {
      step(pixel + c, even);
      step(pixel + c + 1, odd);
    }
    if (c < in.channels) step(pixel + c, even);
  }
#pragma GCC unroll 8
  for (int n = 0; n < Views; ++n)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      store(t.partial + (view + n) * t.partial_view + lane + v * 16, add(even[n][v], odd[n][v]));
}

template <int Vectors>
void all_views(const HeadForwardTask& t, int lane) {
#if defined(SACCADE_ISA_avx512)
  constexpr int many = Vectors == 4 ? 2 : 8;
#else
  constexpr int many = 1;
#endif
  int view = 0;
  for (; view + many <= t.views; view += many) some_views<many, Vectors>(t, view, lane);
  for (; view < t.views; ++view) some_views<1, Vectors>(t, view, lane);
}

}  // namespace

void head_forward(const HeadForwardTask& task) {
  const int lanes = task.shape.lanes();
  int lane = 0;
#if defined(SACCADE_ISA_avx512)
  for (; lane + 64 <= lanes; lane += 64) all_views<4>(task, lane);
#else
  for (; lane + 32 <= lanes; lane += 32) all_views<2>(task, lane);
#endif
  for (; lane < lanes; lane += 16) all_views<1>(task, lane);
}

}  // namespace saccade::cpu::SACCADE_ISA
