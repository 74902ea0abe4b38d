#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Part of a linear classifier's scores that comes from a slice of the features. Lanes are features, so that no lane is
/// spent on a class that is not there; some views and classes share the loads of weights and features. A sum is one
/// chain a lane over the slice's vectors, then a tree over lanes: the order does not depend on who shares.
namespace saccade::cpu::SACCADE_ISA {
namespace {

constexpr int classes_at_once = 5;
#if defined(SACCADE_ISA_avx512)
constexpr int views_at_once = 4;
#else
constexpr int views_at_once = 1;
#endif

template <int Views, int Classes>
SACCADE_INLINE void some(const SoftmaxScoresTask& t, int view, int first_class) {
  const float *x[Views], *w[Classes];
  V16 sums[Views][Classes];
#pragma GCC unroll 4
  for (int n = 0; n < Views; ++n) x[n] = t.table + t.index[view + n] * t.table_row + t.first;
#pragma GCC unroll 5
  for (int c = 0; c < Classes; ++c) w[c] = t.weights + (first_class + c) * t.class_weights + t.first;
#pragma GCC unroll 4
  for (int n = 0; n < Views; ++n)
#pragma GCC unroll 5
    for (int c = 0; c < Classes; ++c) sums[n][c] = zero();
  auto step = [&](std::size_t at, auto features) __attribute__((always_inline)) {
    V16 weights[Classes];
#pragma GCC unroll 5
    for (int c = 0; c < Classes; ++c) weights[c] = load(w[c] + at);  // padded to whole vectors
#pragma GCC unroll 4
    for (int n = 0; n < Views; ++n) {
      const V16 feature = features(x[n] + at);
#pragma GCC unroll 5
      for (int c = 0; c < Classes; ++c) sums[n][c] = fma(feature, weights[c], sums[n][c]);
    }
  };
  std::size_t at = 0;
  for (; at + 16 <= t.count; at += 16) step(at, [](const float* p) { return load(p); });
  if (at < t.count) step(at, [&](const float* p) { return load_first(p, t.count - at); });
#pragma GCC unroll 4
  for (int n = 0; n < Views; ++n)
#pragma GCC unroll 5
    for (int c = 0; c < Classes; ++c)
      t.scores[(view + n) * ((t.classes + 15) / 16 * 16) + first_class + c] = sum(sums[n][c]);
}

template <int Views>
SACCADE_INLINE void all_classes(const SoftmaxScoresTask& t, int view) {
  int c = 0;
  for (; c + classes_at_once <= t.classes; c += classes_at_once) some<Views, classes_at_once>(t, view, c);
  for (; c < t.classes; ++c) some<Views, 1>(t, view, c);
}

}  // namespace

void softmax_scores(const SoftmaxScoresTask& task) {
  int view = 0;
  for (; view + views_at_once <= task.views; view += views_at_once) all_classes<views_at_once>(task, view);
  for (; view < task.views; ++view) all_classes<1>(task, view);
}

}  // namespace saccade::cpu::SACCADE_ISA
