#include "engine/cpu/kernels/local_errors.h"

/// Weight gradient of a locally connected layer: of each position, error (post-synaptic) times input (pre-synaptic),
/// added up view by view. A batch may come in parts: the sums do not depend on them.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Views>
void add_views(const LocalWeightGradientTask& t, int first, int block, bool accumulate) {
  const MapShape& in = t.errors.shape.in;
  const int stride = t.errors.shape.stride();
  V16 errors[Views];
  const float* corner[Views];
  for (int v = 0; v < Views; ++v) {
    errors[v] = local_error(t.errors, first + v, t.row, t.column, block);
    corner[v] =
        t.input + t.errors.active[first + v] * t.input_view + in.offset(stride * t.row - 1, stride * t.column - 1);
  }
  float* gradient =
      t.gradient + t.errors.shape.position(t.row, t.column) + static_cast<std::ptrdiff_t>(block) * 9 * in.lanes * 16;
  for (int tap = 0; tap < 9; ++tap) {
    const std::ptrdiff_t offset = (tap / 3) * in.row_stride() + std::ptrdiff_t{tap % 3} * in.lanes;
    for (int lane = 0; lane < in.lanes; ++lane, gradient += 16) {
      V16 sum = accumulate ? load(gradient) : zero();
#pragma GCC unroll 4
      for (int v = 0; v < Views; ++v) sum = fma(errors[v], broadcast(corner[v][offset + lane]), sum);
      store(gradient, sum);
    }
  }
}

}  // namespace

void local_weight_gradient(const LocalWeightGradientTask& t) {
  const ConvShape& s = t.errors.shape;
  const int blocks = s.out.lanes / 16, count = t.errors.count;
  if (count == 0 && !t.accumulate) {
    float* gradient = t.gradient + s.position(t.row, t.column);
    for (std::size_t i = 0; i < s.weights_of_position(); i += 16) store(gradient + i, zero());
  }
  for (int block = 0; block < blocks; ++block) {
    int view = 0;
    for (; view + local_views <= count; view += local_views)
      add_views<local_views>(t, view, block, t.accumulate || view > 0);
    for (; view < count; ++view) add_views<1>(t, view, block, t.accumulate || view > 0);
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
