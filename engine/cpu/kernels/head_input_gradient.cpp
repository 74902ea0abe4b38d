#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/declarations.h"

/// A head's error carried down to one row of the map: for each feature the product of its feedback weights with the
/// error, summed over vectors in order and then over lanes, times the derivative of the activation that made the
/// feature.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <bool SignOnly>
void one_row(const HeadInputGradientTask& t) {
  const MapShape& in = t.shape.in;
  const int lanes = t.shape.lanes();
  const float* w = t.feedback + static_cast<std::ptrdiff_t>(t.row) * in.width * in.channels * lanes;
  auto weight = [](const float* p) __attribute__((always_inline)) { return SignOnly ? sign(load(p)) : load(p); };
  for (int column = 0; column < in.width; ++column) {
    const std::ptrdiff_t pixel = in.offset(t.row, column);
    for (int first = 0; first < in.channels; first += 16) {
      const int count = in.channels - first < 16 ? in.channels - first : 16;
      float error[16] = {}, output[16] = {};
      for (int c = 0; c < count; ++c, w += lanes) {
        V16 product = mul(weight(w), load(t.error));
        for (int lane = 16; lane < lanes; lane += 16) product = fma(weight(w + lane), load(t.error + lane), product);
        error[c] = sum(product);
        output[c] = t.input[pixel + first + c];
      }
      store(error, through_derivative(t.below, load(output), load(error)));
      float* below = t.error_below + pixel + first;
      for (int c = 0; c < count; ++c) below[c] = t.accumulate ? below[c] + error[c] : error[c];
    }
  }
}

}  // namespace

void head_input_gradient(const HeadInputGradientTask& task) {
  task.sign_only ? one_row<true>(task) : one_row<false>(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
