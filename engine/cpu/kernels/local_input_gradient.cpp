#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/local_errors.h"

/// The error's way down through a locally connected layer: what the positions around a pixel send to it, each through
/// the feedback weights of its own tap, then the derivative of the activation below. The 16 outputs of a weight vector
/// are summed at the end, by one tree.
namespace saccade::cpu::SACCADE_ISA {
namespace {

/// A position that reads the pixel, and the weights of the tap with which it does: block 0, input lane 0.
struct Reader {
  int row, column;
  const float* weights;
};

/// 16 input lanes of some views.
template <int Views, bool SignOnly>
void gather(const LocalInputGradientTask& t, const Reader* readers, int count, int lane, int first) {
  const MapShape &in = t.errors.shape.in, &out = t.errors.shape.out;
  V16 parts[Views][16];
  for (auto& of_view : parts)
    for (V16& part : of_view) part = zero();
  for (int i = 0; i < count; ++i) {
    const Reader& from = readers[i];
    for (int block = 0; block < out.lanes / 16; ++block) {
      const float* w = from.weights + (std::ptrdiff_t{block} * 9 * in.lanes + lane) * 16;
      V16 errors[Views];
      for (int v = 0; v < Views; ++v) errors[v] = local_error(t.errors, first + v, from.row, from.column, block);
#pragma GCC unroll 16
      for (int c = 0; c < 16; ++c) {
        V16 weight = load(w + c * 16);
        if constexpr (SignOnly) weight = sign(weight);
#pragma GCC unroll 4
        for (int v = 0; v < Views; ++v) parts[v][c] = fma(weight, errors[v], parts[v][c]);
      }
    }
  }
  for (int v = 0; v < Views; ++v) {
    const std::ptrdiff_t view = t.errors.active[first + v], at = in.offset(t.row, t.column) + lane;
    store(t.error_below + view * t.below_view + at,
          through_derivative(t.below, load(t.input + view * t.input_view + at), sums(parts[v])));
  }
}

template <bool SignOnly>
void gradient(const LocalInputGradientTask& t) {
  const ConvShape& s = t.errors.shape;
  Reader readers[9];
  int count = 0;
  for (int tap = 0; tap < 9; ++tap) {
    const int y = t.row + 1 - tap / 3, x = t.column + 1 - tap % 3, stride = s.stride();
    if (y < 0 || x < 0 || y % stride != 0 || x % stride != 0) continue;
    const int row = y / stride, column = x / stride;
    if (row >= s.rows() || column >= s.columns()) continue;
    readers[count++] = {row, column, t.feedback + s.position(row, column) + std::ptrdiff_t{tap} * s.in.lanes * 16};
  }
  for (int lane = 0; lane < s.in.lanes; lane += 16) {
    int view = 0;
    for (; view + local_views <= t.errors.count; view += local_views)
      gather<local_views, SignOnly>(t, readers, count, lane, view);
    for (; view < t.errors.count; ++view) gather<1, SignOnly>(t, readers, count, lane, view);
  }
}

}  // namespace

void local_input_gradient(const LocalInputGradientTask& t) { t.sign_only ? gradient<true>(t) : gradient<false>(t); }

}  // namespace saccade::cpu::SACCADE_ISA
