#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/quads.cuh"

/// Average pooling and its adjoint. A block is one row of one view, a thread four lanes of some of its pixels: one
/// 16-byte load per term, one store per result, about 30 registers, no shared memory. Both are bound by memory: pooling
/// moves 4 (side^2 + 1) bytes for side^2 additions, the adjoint 8 to 12 bytes per element.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 128;

/// Which row of which view a block has.
struct Row {
  int replica, view, row;
};
__device__ Row row_of_block(int rows, int views) {
  const int block = static_cast<int>(blockIdx.x), map = block / rows;
  return {map / views, map % views, block % rows};
}

template <class Op>
struct RowTask {
  Op op;
  float share;  ///< of a pixel in the mean
};

__global__ void __launch_bounds__(threads) pool_kernel(RowTask<AveragePool> t) {
  const MapShape &in = t.op.shape.in, &out = t.op.shape.out;
  const int side = t.op.shape.side, quads = out.lanes / 4;
  const Row at = row_of_block(out.height, t.op.extent.views);
  const float* input = t.op.input.at(at.replica, at.view);
  float* output = t.op.output.at(at.replica, at.view);
  for (int i = static_cast<int>(threadIdx.x); i < out.width * quads; i += threads) {
    const int column = i / quads, lane = i % quads * 4;
    float4 sum = make_float4(0, 0, 0, 0);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        sum = add(sum, load4(input + in.offset(at.row * side + y, column * side + x) + lane));
    store4(output + out.offset(at.row, column) + lane,
           make_float4(sum.x * t.share, sum.y * t.share, sum.z * t.share, sum.w * t.share));
  }
}

__global__ void __launch_bounds__(threads) pool_gradient_kernel(RowTask<AveragePoolGradient> t) {
  const MapShape &in = t.op.shape.in, &out = t.op.shape.out;
  const Row at = row_of_block(in.height, t.op.extent.views);
  if (t.op.active && *t.op.active.at(at.replica, at.view) == 0) return;
  const int side = t.op.shape.side, quads = in.lanes / 4, window_row = at.row / side;
  const float* errors = t.op.error.at(at.replica, at.view);
  const float* input = t.op.input.at(at.replica, at.view);
  float* error_below = t.op.error_below.at(at.replica, at.view);
  for (int i = static_cast<int>(threadIdx.x); i < in.width * quads; i += threads) {
    const int column = i / quads, lane = i % quads * 4, window_column = column / side;
    const std::ptrdiff_t pixel = in.offset(at.row, column) + lane;
    float4 result = make_float4(0, 0, 0, 0);
    if (window_row < out.height && window_column < out.width) {
      const float4 error = load4(errors + out.offset(window_row, window_column) + lane);
      const float4 y = load4(input + pixel);
      result = make_float4(through_derivative(t.op.below, y.x, error.x * t.share),
                           through_derivative(t.op.below, y.y, error.y * t.share),
                           through_derivative(t.op.below, y.z, error.z * t.share),
                           through_derivative(t.op.below, y.w, error.w * t.share));
    }
    store4(error_below + pixel, result);
  }
}

template <class Op>
void send(Queue& queue, const char* name, void (*kernel)(RowTask<Op>), const Op& op, int rows) {
  const unsigned blocks = static_cast<unsigned>(op.extent.replicas) * op.extent.views * rows;
  queue.launch(name, kernel, {blocks}, {threads},
               RowTask<Op>{op, 1.0f / static_cast<float>(op.shape.side * op.shape.side)});
}

}  // namespace

void average_pool(Queue& queue, const AveragePool& op) {
  send(queue, "average_pool", pool_kernel, op, op.shape.out.height);
}

void average_pool_gradient(Queue& queue, const AveragePoolGradient& op) {
  send(queue, "average_pool_gradient", pool_gradient_kernel, op, op.shape.in.height);
}

}  // namespace saccade::SACCADE_CUDA
