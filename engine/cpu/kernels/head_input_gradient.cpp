#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/declarations.h"

/// A head's error carried down to one row of the map: for each feature the product of its feedback weights with the
/// error, summed over vectors in order and then over lanes, times the derivative of the activation that made the
/// feature. Sixteen features are summed over lanes together, and their weights serve all views while they are in the
/// first cache.
namespace saccade::cpu::SACCADE_ISA {
namespace {

/// products[c] += weights of feature c * error, for `Vectors` vectors of both.
template <bool SignOnly, int Vectors>
SACCADE_INLINE void add_products(const float* weights, std::ptrdiff_t lanes, const float* error, V16 (&products)[16]) {
  V16 errors[Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) errors[v] = load(error + v * 16);
#pragma GCC unroll 16
  for (int c = 0; c < 16; ++c)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      const V16 w = load(weights + c * lanes + v * 16);
      products[c] = fma(SignOnly ? sign(w) : w, errors[v], products[c]);
    }
}

/// Sixteen features of one view, their weights `lanes` apart: what their units send down.
template <bool SignOnly>
SACCADE_INLINE V16 sixteen_features(const float* weights, std::ptrdiff_t lanes, const float* error) {
  V16 products[16];
#pragma GCC unroll 16
  for (int c = 0; c < 16; ++c) products[c] = zero();
  std::ptrdiff_t lane = 0;
  for (; lane + 64 <= lanes; lane += 64) add_products<SignOnly, 4>(weights + lane, lanes, error + lane, products);
  for (; lane < lanes; lane += 16) add_products<SignOnly, 1>(weights + lane, lanes, error + lane, products);
  return sums(products);
}

template <bool SignOnly>
SACCADE_INLINE float one_feature(const float* weights, std::ptrdiff_t lanes, const float* error) {
  V16 product = zero();
  for (std::ptrdiff_t lane = 0; lane < lanes; lane += 16) {
    const V16 w = load(weights + lane);
    product = fma(SignOnly ? sign(w) : w, load(error + lane), product);
  }
  return sum(product);
}

template <bool SignOnly>
void one_row(const HeadInputGradientTask& t) {
  const MapShape& in = t.shape.in;
  const std::ptrdiff_t lanes = t.shape.lanes();
  const float* weights = t.feedback + t.row * in.width * in.channels * lanes;
  for (int column = 0; column < in.width; ++column)
    for (int first = 0; first < in.channels; first += 16) {
      const int count = in.channels - first < 16 ? in.channels - first : 16;
      const std::ptrdiff_t at = in.offset(t.row, column) + first;
      for (int view = 0; view < t.views; ++view) {
        if (t.active && t.active[view * t.active_view] == 0) continue;
        const float* error = t.error + view * t.error_view;
        const float* input = t.input + view * t.input_view + at;
        float* below = t.error_below + view * t.below_view + at;
        if (count == 16) {
          const V16 result =
              through_derivative(t.below, load(input), sixteen_features<SignOnly>(weights, lanes, error));
          store(below, t.accumulate ? add(load(below), result) : result);
          continue;
        }
        float sent[16] = {}, output[16] = {};
        for (int c = 0; c < count; ++c) {
          sent[c] = one_feature<SignOnly>(weights + c * lanes, lanes, error);
          output[c] = input[c];
        }
        store(sent, through_derivative(t.below, load(output), load(sent)));
        for (int c = 0; c < count; ++c) below[c] = t.accumulate ? below[c] + sent[c] : sent[c];
      }
      weights += count * lanes;
    }
}

}  // namespace

void head_input_gradient(const HeadInputGradientTask& task) {
  task.sign_only ? one_row<true>(task) : one_row<false>(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
