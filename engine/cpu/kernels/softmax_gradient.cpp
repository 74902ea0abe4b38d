#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Gradient of a linear classifier for a slice of the features: error times feature, summed over the views in order.
/// Lanes are features; a block of classes and vectors stays in registers while the views pass.
namespace saccade::cpu::SACCADE_ISA {
namespace {

constexpr int classes_at_once = 5;
#if defined(SACCADE_ISA_avx512)
constexpr int vectors_at_once = 4;
#else
constexpr int vectors_at_once = 1;
#endif

/// `load_features` reads a vector: its last one may be cut.
template <int Vectors, int Classes, class Load>
SACCADE_INLINE void some(const SoftmaxGradientTask& t, std::size_t at, int first_class, Load load_features) {
  const int lanes = (t.classes + 15) / 16 * 16;
  float* gradient = t.gradient + first_class * t.class_weights + at;
  V16 sums[Classes][Vectors];
#pragma GCC unroll 5
  for (int c = 0; c < Classes; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      sums[c][v] = t.accumulate ? load(gradient + c * t.class_weights + v * 16) : zero();
  for (int n = 0; n < t.views; ++n) {
    const float* x = t.table + t.index[n] * t.table_row + at;
    if (first_class == 0 && n < t.next_views)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) prefetch(t.table + t.next[n] * t.table_row + at + v * 16);
    const float* error = t.error + n * lanes + first_class;
    V16 features[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) features[v] = load_features(x + v * 16);
#pragma GCC unroll 5
    for (int c = 0; c < Classes; ++c) {
      const V16 e = broadcast(error[c]);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) sums[c][v] = fma(e, features[v], sums[c][v]);
    }
  }
#pragma GCC unroll 5
  for (int c = 0; c < Classes; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) store(gradient + c * t.class_weights + v * 16, sums[c][v]);
}

template <int Vectors, class Load>
SACCADE_INLINE void all_classes(const SoftmaxGradientTask& t, std::size_t at, Load load_features) {
  int c = 0;
  for (; c + classes_at_once <= t.classes; c += classes_at_once)
    some<Vectors, classes_at_once>(t, at, c, load_features);
  for (; c < t.classes; ++c) some<Vectors, 1>(t, at, c, load_features);
}

}  // namespace

void softmax_gradient(const SoftmaxGradientTask& task) {
  const auto whole = [](const float* p) { return load(p); };
  const std::size_t end = task.first + task.count;
  std::size_t at = task.first;
  for (; at + vectors_at_once * 16 <= end; at += vectors_at_once * 16) all_classes<vectors_at_once>(task, at, whole);
  for (; at + 16 <= end; at += 16) all_classes<1>(task, at, whole);
  if (at < end) all_classes<1>(task, at, [&](const float* p) { return load_first(p, end - at); });
}

}  // namespace saccade::cpu::SACCADE_ISA
