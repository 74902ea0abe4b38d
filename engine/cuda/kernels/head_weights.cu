#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/map_features.cuh"
#include "engine/cuda/kernels/own_terms.cuh"
#include "engine/cuda/kernels/quads.cuh"

/// What a head's weights and their gradient have in common: a sum of outer products over the active views, in order,
///   target[f][lane] = (accumulate ? target[f][lane] : 0) + sum of input[f] * (factor * error[lane]),
/// with factor 1 for the gradient and -rate for the Hebbian step, eq. 7. Each element is one chain: the same bits as on
/// a CPU.
///
/// One view or few (event mode): 8 bytes of weights read and written for a multiply-add, so memory sets the time.
///
/// Many views: 64 features x 64 lanes a block, 8 x 4 a thread in registers, 16 views deep in shared memory: 32
/// multiply-adds for 12 floats out of shared memory, 8 KB out of the caches for 65536. The active views are listed
/// first, so that inactive ones cost nothing.
namespace saccade::SACCADE_CUDA {
namespace {

struct OuterTask {
  HeadShape shape;
  Extent extent;
  ConstFloats input, error;
  ConstFlags active;
  ConstFloats rate;  ///< one number per replica; null: the factor is 1
  Floats target;
  bool accumulate;
  int* list;  ///< [replica][1 + views]: number of active views, then the views
};

constexpr int lanes_per_block = 64, quads = lanes_per_block / 4;

/// What a block owns; blocks along x: [replica][features][part of the lanes].
struct Part {
  int replica, first_feature, first_lane;
};

__device__ __forceinline__ Part part_of_block(const OuterTask& task, int features_per_block) {
  const int lane_parts = static_cast<int>(divide_up(task.shape.lanes(), lanes_per_block));
  const int parts = static_cast<int>(divide_up(task.shape.in.features(), features_per_block));
  const int block = static_cast<int>(blockIdx.x), rest = block / lane_parts;
  return {rest / parts, rest % parts * features_per_block, block % lane_parts * lanes_per_block};
}

__device__ __forceinline__ float factor_of(const OuterTask& task, int replica) {
  return task.rate ? -*task.rate.at(replica) : 1.0f;
}

__device__ __forceinline__ float4 scaled(float factor, float4 a) {
  return make_float4(factor * a.x, factor * a.y, factor * a.z, factor * a.w);
}

constexpr int few_rows = 16, few_rounds = 4;  ///< a thread has features `few_rows` apart
constexpr int few_features = few_rows * few_rounds;

__global__ void __launch_bounds__(quads* few_rows) few(OuterTask task) {
  const Part part = part_of_block(task, few_features);
  const int first = part.first_feature + static_cast<int>(threadIdx.y);
  const int lane = part.first_lane + static_cast<int>(threadIdx.x) * 4, lanes = task.shape.lanes();
  const auto all = static_cast<int>(task.shape.in.features());
  if (lane >= lanes) return;
  float* target = task.target.at(part.replica) + static_cast<std::ptrdiff_t>(first) * lanes + lane;
  float4 sum[few_rounds];
  std::ptrdiff_t at[few_rounds];
#pragma unroll
  for (int i = 0; i < few_rounds; ++i) {
    const bool inside = first + i * few_rows < all;
    at[i] = inside ? feature_offset(task.shape.in, static_cast<unsigned>(first + i * few_rows)) : 0;
    sum[i] = inside && task.accumulate ? load4(target + static_cast<std::ptrdiff_t>(i) * few_rows * lanes)
                                       : make_float4(0, 0, 0, 0);
  }
  const float factor = factor_of(task, part.replica);
  bool changed = !task.accumulate;
  for (int view = 0; view < task.extent.views; ++view) {
    if (!view_is_active(task.active, part.replica, view)) continue;
    changed = true;
    const float4 error = scaled(factor, load4(task.error.at(part.replica, view) + lane));
    const float* input = task.input.at(part.replica, view);
#pragma unroll
    for (int i = 0; i < few_rounds; ++i) sum[i] = multiply_add(input[at[i]], error, sum[i]);
  }
  if (!changed) return;
#pragma unroll
  for (int i = 0; i < few_rounds; ++i)
    if (first + i * few_rows < all) store4(target + static_cast<std::ptrdiff_t>(i) * few_rows * lanes, sum[i]);
}

constexpr int list_threads = 256;

__global__ void __launch_bounds__(list_threads) list_active_views(OuterTask task) {
  const int replica = static_cast<int>(blockIdx.x);
  int* list = task.list + static_cast<std::ptrdiff_t>(replica) * (1 + task.extent.views);
  int count = 0;
  for_each_own_term<list_threads>(
      task.extent.views, [&](int view) { return view_is_active(task.active, replica, view); },
      [&](int view) {
        ++count;
        if (threadIdx.x == 0) list[count] = view;
      });
  if (threadIdx.x == 0) list[0] = count;
}

constexpr int tile_threads = 128, tile_features = 64, tile_depth = 16;
constexpr int thread_features = 8;

/// Thread (quad, row) has features 8 row .. + 7 and lanes 4 quad .. + 3.
__global__ void __launch_bounds__(tile_threads, 4) many(OuterTask task) {
  SACCADE_SHARED_ARRAY(float, x, [tile_depth][tile_features]);
  SACCADE_SHARED_ARRAY(float, e, [tile_depth][lanes_per_block]);
  const Part part = part_of_block(task, tile_features);
  const int thread = static_cast<int>(threadIdx.x), quad = thread % quads, row = thread / quads;
  const int lane = part.first_lane + quad * 4, lanes = task.shape.lanes();
  const auto all = static_cast<int>(task.shape.in.features());
  const int* list = task.list + static_cast<std::ptrdiff_t>(part.replica) * (1 + task.extent.views);
  const int views = list[0];
  if (views == 0 && task.accumulate) return;  // the whole block

  const int first = part.first_feature + row * thread_features;
  float* target = task.target.at(part.replica) + static_cast<std::ptrdiff_t>(first) * lanes + lane;
  float4 sum[thread_features];
#pragma unroll
  for (int f = 0; f < thread_features; ++f)
    sum[f] = task.accumulate && first + f < all && lane < lanes ? load4(target + static_cast<std::ptrdiff_t>(f) * lanes)
                                                                : make_float4(0, 0, 0, 0);

  const float factor = factor_of(task, part.replica);
  // The feature that a thread fetches, of every second view.
  const int fetched = part.first_feature + thread % tile_features;
  const std::ptrdiff_t at = fetched < all ? feature_offset(task.shape.in, static_cast<unsigned>(fetched)) : 0;
  for (int begin = 0; begin < views; begin += tile_depth) {
    const int depth = views - begin < tile_depth ? views - begin : tile_depth;
    for (int k = thread / tile_features; k < depth; k += tile_threads / tile_features)
      x[k][thread % tile_features] = fetched < all ? task.input.at(part.replica, list[1 + begin + k])[at] : 0.0f;
    for (int k = row; k < depth; k += tile_threads / quads)
      store4(&e[k][quad * 4], lane < lanes
                                  ? scaled(factor, load4(task.error.at(part.replica, list[1 + begin + k]) + lane))
                                  : make_float4(0, 0, 0, 0));
    __syncthreads();
#pragma unroll 4
    for (int k = 0; k < depth; ++k) {
      const float4 error = load4(&e[k][quad * 4]);
      const float4 a = load4(&x[k][row * thread_features]), b = load4(&x[k][row * thread_features + 4]);
      sum[0] = multiply_add(a.x, error, sum[0]);
      sum[1] = multiply_add(a.y, error, sum[1]);
      sum[2] = multiply_add(a.z, error, sum[2]);
      sum[3] = multiply_add(a.w, error, sum[3]);
      sum[4] = multiply_add(b.x, error, sum[4]);
      sum[5] = multiply_add(b.y, error, sum[5]);
      sum[6] = multiply_add(b.z, error, sum[6]);
      sum[7] = multiply_add(b.w, error, sum[7]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int f = 0; f < thread_features; ++f)
    if (first + f < all && lane < lanes) store4(target + static_cast<std::ptrdiff_t>(f) * lanes, sum[f]);
}

void add_outer_products(Queue& queue, const char* name, OuterTask task) {
  const std::size_t features = task.shape.in.features(), lane_parts = divide_up(task.shape.lanes(), lanes_per_block);
  const auto replicas = static_cast<std::size_t>(task.extent.replicas);
  if (task.extent.views <= 8) {
    queue.launch(name, few, {blocks(features, few_features, lane_parts * replicas)}, {quads, few_rows}, task);
    return;
  }
  task.list = static_cast<int*>(queue.scratch(replicas * (1 + task.extent.views) * sizeof(int)));
  queue.launch("list_active_views", list_active_views, {blocks(replicas, 1)}, {list_threads}, task);
  queue.launch(name, many, {blocks(features, tile_features, lane_parts * replicas)}, {tile_threads}, task);
}

}  // namespace

void head_weight_gradient(Queue& queue, const HeadWeightGradient& op) {
  add_outer_products(queue, "head_weight_gradient",
                     {op.shape, op.extent, op.input, op.error, op.active, {}, op.gradient, op.accumulate, nullptr});
}

void head_hebb(Queue& queue, const HeadHebb& op) {
  OuterTask task{op.shape, op.extent, op.input, op.error, op.active, op.rate, op.weights, true, nullptr};
  add_outer_products(queue, "head_hebb", task);
  if (!op.feedback) return;
  task.target = op.feedback;
  add_outer_products(queue, "head_hebb_feedback", task);
}

}  // namespace saccade::SACCADE_CUDA
