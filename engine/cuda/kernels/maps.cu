#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include <stdexcept>

#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/map_features.cuh"
#include "engine/cuda/kernels/quads.cuh"
#include "engine/cuda/kernels/random.cuh"

/// Copies and element-wise operations on maps: every element is read and written once, so memory sets their time. A
/// thread does four floats with one access where counts are multiples of 16; rows of tables have any length and go
/// float by float, which is coalesced too.
///
/// Bytes an element: load_views 4 (1 + R), combine 16 (12 without c), target_error 12, add_noise 8 R
/// (beside about 100 operations for the 10 rounds of Philox and 100 in double for Box-Muller, once for all replicas).
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int threads = 256;

/// Which element of which view of which replica a thread owns; blocks along x take views and replicas apart.
struct Place {
  int replica, view;
  std::size_t element;  ///< the first of `per_thread`
  bool inside;
};

__device__ __forceinline__ Place place(std::size_t count, std::size_t per_thread, int views) {
  const std::size_t chunks = divide_up(count, per_thread * threads);
  const std::size_t map = blockIdx.x / chunks, chunk = blockIdx.x % chunks;
  const std::size_t element = (chunk * threads + threadIdx.x) * per_thread;
  const auto all_views = static_cast<std::size_t>(views);
  return {static_cast<int>(map / all_views), static_cast<int>(map % all_views), element, element < count};
}

unsigned blocks_of_maps(std::size_t count, std::size_t per_thread, const Extent& extent) {
  return blocks(count, per_thread * threads, static_cast<std::size_t>(extent.replicas) * extent.views);
}

__global__ void __launch_bounds__(threads) load_pixels(LoadViews op) {
  const std::size_t features = op.shape.features();
  const Place p = place(features, 1, op.extent.views);
  if (!p.inside) return;
  const float pixel = op.pixels[static_cast<std::size_t>(p.view) * features + p.element];
  const std::ptrdiff_t at = feature_offset(op.shape, static_cast<unsigned>(p.element));
  for (int replica = 0; replica < op.extent.replicas; ++replica) op.output.at(replica, p.view)[at] = pixel;
}

/// a + scale (b - c)
__global__ void __launch_bounds__(threads) combine_maps(Combine op) {
  const Place p = place(op.count, 4, op.extent.views);
  if (!p.inside || !view_is_active(op.active, p.replica, p.view)) return;
  const float4 a = load4(op.a.at(p.replica, p.view) + p.element);
  float4 b = load4(op.b.at(p.replica, p.view) + p.element);
  if (op.c) b = subtract(b, load4(op.c.at(p.replica, p.view) + p.element));
  store4(op.output.at(p.replica, p.view) + p.element, multiply_add(op.scale, b, a));
}

struct TargetErrorTask {
  TargetError op;
  float* partial;  ///< [replica][view][chunk]: sums of squares; null when no loss is wanted
};

/// error = scale (y - target) f'(y); the squares of a block's differences are added by a tree.
__global__ void __launch_bounds__(threads) target_errors(TargetErrorTask task) {
  const TargetError& op = task.op;
  const Place p = place(op.count, 4, op.extent.views);
  if (!view_is_active(op.active, p.replica, p.view)) return;  // the whole block
  float squares = 0;
  if (p.inside) {
    const float4 y = load4(op.output.at(p.replica, p.view) + p.element);
    const float4 d = subtract(y, load4(op.target.at(p.replica, p.view) + p.element));
    squares = fmaf(d.w, d.w, fmaf(d.z, d.z, fmaf(d.y, d.y, d.x * d.x)));
    store4(op.error.at(p.replica, p.view) + p.element,
           make_float4(through_derivative(op.activation, y.x, op.scale * d.x),
                       through_derivative(op.activation, y.y, op.scale * d.y),
                       through_derivative(op.activation, y.z, op.scale * d.z),
                       through_derivative(op.activation, y.w, op.scale * d.w)));
  }
  if (task.partial == nullptr) return;
  const float sum = block_sum<threads>(squares);
  if (threadIdx.x == 0) task.partial[blockIdx.x] = sum;
}

/// One block a view adds the sums of its chunks.
__global__ void __launch_bounds__(threads) target_losses(TargetErrorTask task) {
  const TargetError& op = task.op;
  const int replica = static_cast<int>(blockIdx.x) / op.extent.views,
            view = static_cast<int>(blockIdx.x) % op.extent.views;
  if (!view_is_active(op.active, replica, view)) return;
  const std::size_t chunks = divide_up(op.count, 4 * threads);
  float own = 0;
  for (std::size_t chunk = threadIdx.x; chunk < chunks; chunk += threads)
    own += task.partial[blockIdx.x * chunks + chunk];
  const float sum = block_sum<threads>(own);
  if (threadIdx.x == 0) *op.loss.at(replica, view) = sum;
}

struct NoiseTask {
  AddNoise op;
  RandomSite site;
};

__global__ void __launch_bounds__(threads) add_normal_numbers(NoiseTask task) {
  const AddNoise& op = task.op;
  const std::size_t features = op.shape.features();
  const Place p = place(features, 1, op.extent.views);
  if (!p.inside) return;
  const auto draw = static_cast<std::uint32_t>(static_cast<std::size_t>(op.first + p.view) * features + p.element);
  const auto noise = static_cast<float>(op.deviation * random_normal(task.site, draw));
  const std::ptrdiff_t at = feature_offset(op.shape, static_cast<unsigned>(p.element));
  for (int replica = 0; replica < op.extent.replicas; ++replica)
    op.output.at(replica, p.view)[at] = op.input.at(replica, p.view)[at] + noise;
}

}  // namespace

void load_views(Queue& queue, const LoadViews& op) {
  queue.launch("load_views", load_pixels, {blocks_of_maps(op.shape.features(), 1, {1, op.extent.views})}, {threads},
               op);
}

void combine(Queue& queue, const Combine& op) {
  queue.launch("combine", combine_maps, {blocks_of_maps(op.count, 4, op.extent)}, {threads}, op);
}

void target_error(Queue& queue, const TargetError& op) {
  const unsigned grid = blocks_of_maps(op.count, 4, op.extent);
  const TargetErrorTask task{op, op.loss ? static_cast<float*>(queue.scratch(grid * sizeof(float))) : nullptr};
  queue.launch("target_error", target_errors, {grid}, {threads}, task);
  if (op.loss)
    queue.launch("target_loss", target_losses, {blocks(op.extent.replicas, 1, op.extent.views)}, {threads}, task);
}

void add_noise(Queue& queue, const AddNoise& op) {
  if (op.entity >= permutation_entities) throw std::out_of_range("add_noise: entity numbers end at 2^32 - 17");
  const NoiseTask task{op, RandomSite::make(op.seed, Purpose::feedback_noise, op.entity, op.event)};
  queue.launch("add_noise", add_normal_numbers, {blocks_of_maps(op.shape.features(), 1, {1, op.extent.views})},
               {threads}, task);
}

}  // namespace saccade::SACCADE_CUDA
