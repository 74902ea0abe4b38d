#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/declarations.h"

/// Average pooling and its adjoint, one row of outputs at a time, channels in vectors.
namespace saccade::cpu::SACCADE_ISA {

void average_pool(const AveragePoolTask& t) {
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const int side = t.shape.side;
  const V16 share = broadcast(1.0f / static_cast<float>(side * side));
  for (int column = 0; column < out.width; ++column)
    for (int lane = 0; lane < out.lanes; lane += 16) {
      V16 sum = zero();
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          sum = add(sum, load(t.input + in.offset(t.row * side + y, column * side + x) + lane));
      store(t.output + out.offset(t.row, column) + lane, mul(sum, share));
    }
}

void average_pool_gradient(const AveragePoolGradientTask& t) {
  const MapShape &in = t.shape.in, &out = t.shape.out;
  const int side = t.shape.side, window_row = t.row / side;
  const V16 share = broadcast(1.0f / static_cast<float>(side * side));
  for (int column = 0; column < in.width; ++column) {
    const int window_column = column / side;
    const bool covered = window_row < out.height && window_column < out.width;
    const std::ptrdiff_t pixel = in.offset(t.row, column);
    for (int lane = 0; lane < in.lanes; lane += 16) {
      V16 error = zero();
      if (covered)
        error = through_derivative(t.below, load(t.input + pixel + lane),
                                   mul(load(t.error + out.offset(window_row, window_column) + lane), share));
      store(t.error_below + pixel + lane, error);
    }
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
