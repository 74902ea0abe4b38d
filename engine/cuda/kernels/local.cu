#include "engine/cuda/portability.h"
//
#include <algorithm>

#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/quads.cuh"
#include "engine/cuda/kernels/sign.cuh"

/// Locally connected layers. Every position has weights of its own, [out.lanes / 16][3][3][in.lanes][16], so one view
/// is bound by reading them: 4 bytes for each multiply-add. Neighbouring threads read neighbouring weights, and a batch
/// shares them where the cache does: no shared memory, no barriers. A sum is one chain (of an error on its way down,
/// four), in an order that depends on nothing.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int lanes = lanes_per_vector, most_threads = 128;

/// Block number = (replica * maps + map) * parts + part.
struct Place {
  int replica, map, part;
};
__device__ Place place_of_block(int maps, int parts) {
  const int block = static_cast<int>(blockIdx.x), map = block / parts;
  return {map / maps, map % maps, block % parts};
}

/// The error of one channel at position (row, column) before pooling: behind a max-pool, 0 where another one won.
template <class Op>
__device__ float error_at(const Op& op, int replica, int view, int row, int column, int channel) {
  const MapShape& out = op.shape.out;
  const float* errors = op.error.at(replica, view);
  if (!op.winners) return errors[out.offset(row, column) + channel];
  const std::ptrdiff_t window = static_cast<std::ptrdiff_t>(row / 2) * out.width + column / 2;
  const int winner = op.winners.at(replica, view)[window * out.lanes + channel];
  return winner == row % 2 * 2 + column % 2 ? errors[out.offset(row / 2, column / 2) + channel] : 0.0f;
}

__device__ float sum_at(const ConvForward& op, int replica, int view, int row, int column, int channel) {
  const ConvShape& s = op.shape;
  const float* weights = op.packed.at(replica) + s.position(row, column) +
                         static_cast<std::ptrdiff_t>(channel / lanes) * 9 * s.in.lanes * lanes + channel % lanes;
  const float* corner = op.input.at(replica, view) + s.in.offset(s.stride() * row - 1, s.stride() * column - 1);
  float sum = 0;
  for (int tap = 0; tap < 9; ++tap) {
    const float* x = corner + (tap / 3) * s.in.row_stride() + static_cast<std::ptrdiff_t>(tap % 3) * s.in.lanes;
    const float* w = weights + static_cast<std::ptrdiff_t>(tap) * s.in.lanes * lanes;
    for (int c = 0; c < s.in.channels; ++c) sum = fmaf(x[c], w[c * lanes], sum);
  }
  return sum;
}

/// A block is 16 channels of one output, a thread one of them for every view of its own.
__global__ void __launch_bounds__(most_threads) forward_kernel(ConvForward op) {
  const ConvShape& s = op.shape;
  const Place at = place_of_block(s.out.height * s.out.width, s.out.lanes / lanes);
  const int row = at.map / s.out.width, column = at.map % s.out.width;
  const int channel = at.part * lanes + static_cast<int>(threadIdx.x) % lanes;
  for (int view = static_cast<int>(threadIdx.x) / lanes; view < op.extent.views;
       view += static_cast<int>(blockDim.x) / lanes) {
    float best = 0;
    if (s.pools()) {
      int winner = 0;
      for (int p = 0; p < 4; ++p) {
        const float sum = sum_at(op, at.replica, view, 2 * row + p / 2, 2 * column + p % 2, channel);
        if (p > 0 && !(sum > best)) continue;
        best = sum;
        winner = p;
      }
      if (op.winners)
        op.winners.at(at.replica, view)[static_cast<std::ptrdiff_t>(at.map) * s.out.lanes + channel] =
            static_cast<std::uint8_t>(winner);
    } else {
      best = sum_at(op, at.replica, view, row, column, channel);
    }
    op.output.at(at.replica, view)[s.out.offset(row, column) + channel] = activate(s.activation, best);
  }
}

/// A block is the weights of 16 channels at one position, a thread every 128th of them.
__global__ void __launch_bounds__(most_threads) weight_gradient_kernel(ConvWeightGradient op) {
  const ConvShape& s = op.shape;
  const Place at = place_of_block(s.rows() * s.columns(), s.out.lanes / lanes);
  const int row = at.map / s.columns(), column = at.map % s.columns(), size = 9 * s.in.lanes * lanes;
  float* gradient = op.gradient.at(at.replica) + s.position(row, column) + static_cast<std::ptrdiff_t>(at.part) * size;
  const std::ptrdiff_t corner = s.in.offset(s.stride() * row - 1, s.stride() * column - 1);
  for (int i = static_cast<int>(threadIdx.x); i < size; i += most_threads) {
    const int channel = at.part * lanes + i % lanes, lane = i / lanes % s.in.lanes, tap = i / lanes / s.in.lanes;
    const std::ptrdiff_t from =
        corner + (tap / 3) * s.in.row_stride() + static_cast<std::ptrdiff_t>(tap % 3) * s.in.lanes + lane;
    float sum = op.accumulate ? gradient[i] : 0.0f;
    for (int view = 0; view < op.extent.views; ++view)
      if (view_is_active(op.active, at.replica, view))
        sum = fmaf(error_at(op, at.replica, view, row, column, channel), op.input.at(at.replica, view)[from], sum);
    gradient[i] = sum;
  }
}

/// A block is one pixel below of one view, a thread every 128th of its lanes.
__global__ void __launch_bounds__(most_threads) input_gradient_kernel(ConvInputGradient op) {
  const ConvShape& s = op.shape;
  const Place at = place_of_block(op.extent.views, s.in.height * s.in.width);
  if (!view_is_active(op.active, at.replica, at.map)) return;
  const int y = at.part / s.in.width, x = at.part % s.in.width, stride = s.stride();
  const std::ptrdiff_t pixel = s.in.offset(y, x);
  const auto term = [&](float weight, float error, float sum) {
    return fmaf(op.feedback.sign_only ? sign(weight) : weight, error, sum);
  };
  for (int lane = static_cast<int>(threadIdx.x); lane < s.in.lanes; lane += most_threads) {
    float4 sum = make_float4(0, 0, 0, 0);
    for (int tap = 0; tap < 9; ++tap) {
      const int row = y + 1 - tap / 3, column = x + 1 - tap % 3;  // of the map below: where the reader stands
      if (row < 0 || column < 0 || row % stride != 0 || column % stride != 0) continue;
      if (row / stride >= s.rows() || column / stride >= s.columns()) continue;
      const float* weights = op.feedback.weights.at(at.replica) + s.position(row / stride, column / stride);
      const auto error = [&](int channel) {
        return error_at(op, at.replica, at.map, row / stride, column / stride, channel);
      };
      for (int channel = 0; channel < s.out.lanes; channel += 4) {
        const std::ptrdiff_t input = (static_cast<std::ptrdiff_t>(channel / lanes) * 9 + tap) * s.in.lanes + lane;
        const float4 w = load4(weights + input * lanes + channel % lanes);
        sum = make_float4(term(w.x, error(channel), sum.x), term(w.y, error(channel + 1), sum.y),
                          term(w.z, error(channel + 2), sum.z), term(w.w, error(channel + 3), sum.w));
      }
    }
    op.error_below.at(at.replica, at.map)[pixel + lane] =
        through_derivative(op.below, op.input.at(at.replica, at.map)[pixel + lane], (sum.x + sum.y) + (sum.z + sum.w));
  }
}

}  // namespace

void local_forward(Queue& queue, const ConvForward& op) {
  const ConvShape& s = op.shape;
  const auto threads = static_cast<unsigned>(lanes * std::clamp(op.extent.views, 1, most_threads / lanes));
  const std::size_t outputs = op.extent.views == 0 ? 0 : static_cast<std::size_t>(s.out.height) * s.out.width;
  queue.launch("local_forward", forward_kernel, {blocks(outputs, 1, s.out.lanes / lanes * op.extent.replicas)},
               {threads}, op);
}

void local_weight_gradient(Queue& queue, const ConvWeightGradient& op) {
  const ConvShape& s = op.shape;
  const std::size_t positions = static_cast<std::size_t>(s.rows()) * s.columns();
  queue.launch("local_weight_gradient", weight_gradient_kernel,
               {blocks(positions, 1, s.out.lanes / lanes * op.extent.replicas)}, {most_threads}, op);
}

void local_input_gradient(Queue& queue, const ConvInputGradient& op) {
  const std::size_t pixels = static_cast<std::size_t>(op.shape.in.height) * op.shape.in.width;
  queue.launch("local_input_gradient", input_gradient_kernel,
               {blocks(pixels, 1, static_cast<std::size_t>(op.extent.views) * op.extent.replicas)}, {most_threads}, op);
}

}  // namespace saccade::SACCADE_CUDA
