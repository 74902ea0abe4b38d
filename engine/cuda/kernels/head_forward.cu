#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include <algorithm>

#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/map_features.cuh"
#include "engine/cuda/kernels/quads.cuh"

/// A head's embeddings: weights^T features, a sum over tens of thousands of features for each of about 64 lanes.
///
/// Order of the sum, the same for any number of views and any machine: a segment is a chain of 16 features, a chunk
/// adds its segments in order, and a last kernel adds the chunks: 16 chains of every sixteenth chunk, in order. A chunk
/// has 256 features, 64 on small maps, where blocks would be few otherwise.
///
/// One view or few (event mode): 4 bytes of weights for a multiply-add, so memory sets the time. A block owns a chunk
/// and a thread four lanes of a segment: 16 loads of 16 bytes that do not wait for each other, each row of weights
/// read once in whole lines. Sums of chunks add 1/256 (1/64) to the bytes, once written and once read.
///
/// Many views: 64 views x 64 lanes a block, 8 x 4 a thread in registers, 32 features deep in shared memory: 32
/// multiply-adds for 12 floats out of shared memory, and 16 KB out of the second cache for 131072. Sums of chunks are
/// 256 bytes, written and read, for 16384 multiply-adds (4096 on small maps).
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int segment = 16;          ///< features of one chain
constexpr int lanes_per_block = 64;  ///< a block's part of the embedding
constexpr int quads = lanes_per_block / 4;
constexpr int add_groups = 16;  ///< chains of chunks
constexpr int few_views = 4;    ///< that share one read of the weights

int chunk_features(const HeadShape& shape) { return shape.in.features() > 8192 ? 256 : 64; }

struct HeadTask {
  HeadForward op;
  int first_replica, first_view;  ///< scratch memory holds some replicas and views at a time
  int replicas, views;
  int chunk;  ///< features of a chunk
  int chunks;
  float* partial;  ///< [replica][view][chunk][lanes]
};

__device__ __forceinline__ float* partial_sum(const HeadTask& task, int replica, int view, int chunk) {
  return task.partial + ((static_cast<std::size_t>(replica) * task.views + view) * task.chunks + chunk) *
                            static_cast<std::size_t>(task.op.shape.lanes());
}

/// What a block owns; blocks along x: [replica][group of views][chunk][part of the lanes].
struct Part {
  int replica, first_view, chunk, first_lane;
};

__device__ __forceinline__ Part part_of_block(const HeadTask& task, int views_per_block) {
  const int lane_parts = static_cast<int>(divide_up(task.op.shape.lanes(), lanes_per_block));
  const int groups = static_cast<int>(divide_up(task.views, views_per_block));
  int rest = static_cast<int>(blockIdx.x);
  const int lane_part = rest % lane_parts;
  rest /= lane_parts;
  const int chunk = rest % task.chunks;
  rest /= task.chunks;
  return {rest / groups, rest % groups * views_per_block, chunk, lane_part * lanes_per_block};
}

/// Up to `Views` views; chunk / segment rows of `quads` threads.
template <int Views>
__global__ void __launch_bounds__(256) few(HeadTask task) {
  SACCADE_SHARED_ARRAY(float, features, [Views][256]);
  SACCADE_SHARED_ARRAY(float4, sums, [Views][256 / segment][quads]);
  const HeadForward& op = task.op;
  const Part part = part_of_block(task, Views);
  const int quad = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
  const int lanes = op.shape.lanes(), lane = part.first_lane + quad * 4;
  const auto all = static_cast<int>(op.shape.in.features());
  const int replica = task.first_replica + part.replica, first_view = task.first_view + part.first_view;

  bool active[Views];
  bool any = false;
#pragma unroll
  for (int v = 0; v < Views; ++v) {
    active[v] = part.first_view + v < task.views && view_is_active(op.active, replica, first_view + v);
    any = any || active[v];
  }
  if (!any) return;  // the whole block

  // A chunk has as many features as the block has threads. Features beyond the last and those of inactive views are 0.
  const int own = row * quads + quad, own_feature = part.chunk * task.chunk + own;
  const std::ptrdiff_t at = own_feature < all ? feature_offset(op.shape.in, static_cast<unsigned>(own_feature)) : 0;
#pragma unroll
  for (int v = 0; v < Views; ++v)
    features[v][own] = active[v] && own_feature < all ? op.input.at(replica, first_view + v)[at] : 0.0f;
  __syncthreads();

  const int first = part.chunk * task.chunk + row * segment;
  const float* weights = op.weights.at(replica) + static_cast<std::ptrdiff_t>(first) * lanes + lane;
  float4 sum[Views];
#pragma unroll
  for (int v = 0; v < Views; ++v) sum[v] = make_float4(0, 0, 0, 0);
  if (lane < lanes) {
    float4 w[segment];
#pragma unroll
    for (int f = 0; f < segment; ++f)
      w[f] = first + f < all ? load4(weights + static_cast<std::ptrdiff_t>(f) * lanes) : make_float4(0, 0, 0, 0);
#pragma unroll
    for (int f = 0; f < segment; ++f)
#pragma unroll
      for (int v = 0; v < Views; ++v) sum[v] = multiply_add(features[v][row * segment + f], w[f], sum[v]);
  }
#pragma unroll
  for (int v = 0; v < Views; ++v) sums[v][row][quad] = sum[v];
  __syncthreads();

  // Rows of threads take views; a chunk has at least as many segments as a block has views.
  static_assert(Views <= 64 / segment);
  if (row >= Views || part.first_view + row >= task.views || lane >= lanes) return;
  float4 total = make_float4(0, 0, 0, 0);
  for (int s = 0; s < task.chunk / segment; ++s) total = add(total, sums[row][s][quad]);
  store4(partial_sum(task, part.replica, part.first_view + row, part.chunk) + lane, total);
}

constexpr int tile_views = 64, tile_depth = 32, tile_threads = 128;
constexpr int thread_views = 8;
constexpr int tile_stride = tile_views + 4;  ///< keeps rows aligned to 16 bytes and apart in the banks

/// 64 views x 64 lanes of one chunk: thread (quad, row) has views 8 row .. + 7 and lanes 4 quad .. + 3.
__global__ void __launch_bounds__(tile_threads, 4) many(HeadTask task) {
  SACCADE_SHARED_ARRAY(float, x, [tile_depth][tile_stride]);
  SACCADE_SHARED_ARRAY(float, w, [tile_depth][lanes_per_block]);
  SACCADE_SHARED_ARRAY(std::ptrdiff_t, offsets, [256]);
  SACCADE_SHARED_ARRAY(int, active, [tile_views]);
  const HeadForward& op = task.op;
  const Part part = part_of_block(task, tile_views);
  const int thread = static_cast<int>(threadIdx.x), quad = thread % quads, row = thread / quads;
  const int lanes = op.shape.lanes();
  const auto all = static_cast<int>(op.shape.in.features());
  const int first = part.chunk * task.chunk;
  const int replica = task.first_replica + part.replica, first_view = task.first_view + part.first_view;
  const float* weights = op.weights.at(replica) + static_cast<std::ptrdiff_t>(first) * lanes + part.first_lane;

  for (int f = thread; f < task.chunk; f += tile_threads)
    offsets[f] = first + f < all ? feature_offset(op.shape.in, static_cast<unsigned>(first + f)) : 0;
  for (int v = thread; v < tile_views; v += tile_threads)
    active[v] = part.first_view + v < task.views && view_is_active(op.active, replica, first_view + v);
  __syncthreads();

  float4 total[thread_views], sum[thread_views];
#pragma unroll
  for (int n = 0; n < thread_views; ++n) total[n] = make_float4(0, 0, 0, 0);
  for (int begin = 0; begin < task.chunk; begin += tile_depth) {
    // A warp takes 8 features of 4 views: whole sectors of memory, and different banks. What is missing is 0.
#pragma unroll 4
    for (int i = thread; i < tile_depth * tile_views; i += tile_threads) {
      const int f = i % 8 + i / (8 * tile_views) * 8, v = i / 8 % tile_views;
      const bool there = first + begin + f < all && active[v] != 0;
      x[f][v] = there ? op.input.at(replica, first_view + v)[offsets[begin + f]] : 0.0f;
    }
    for (int i = row; i < tile_depth; i += tile_threads / quads) {
      const bool there = first + begin + i < all && part.first_lane + quad * 4 < lanes;
      store4(&w[i][quad * 4], there ? load4(weights + static_cast<std::ptrdiff_t>(begin + i) * lanes + quad * 4)
                                    : make_float4(0, 0, 0, 0));
    }
    __syncthreads();
    for (int start = 0; start < tile_depth; start += segment) {
#pragma unroll
      for (int n = 0; n < thread_views; ++n) sum[n] = make_float4(0, 0, 0, 0);
#pragma unroll 4
      for (int f = start; f < start + segment; ++f) {
        const float4 weight = load4(&w[f][quad * 4]);
        const float4 a = load4(&x[f][row * thread_views]), b = load4(&x[f][row * thread_views + 4]);
        sum[0] = multiply_add(a.x, weight, sum[0]);
        sum[1] = multiply_add(a.y, weight, sum[1]);
        sum[2] = multiply_add(a.z, weight, sum[2]);
        sum[3] = multiply_add(a.w, weight, sum[3]);
        sum[4] = multiply_add(b.x, weight, sum[4]);
        sum[5] = multiply_add(b.y, weight, sum[5]);
        sum[6] = multiply_add(b.z, weight, sum[6]);
        sum[7] = multiply_add(b.w, weight, sum[7]);
      }
#pragma unroll
      for (int n = 0; n < thread_views; ++n) total[n] = add(total[n], sum[n]);
    }
    __syncthreads();
  }
  const int lane = part.first_lane + quad * 4;
#pragma unroll
  for (int n = 0; n < thread_views; ++n) {
    const int view = part.first_view + row * thread_views + n;
    if (view < task.views && lane < lanes) store4(partial_sum(task, part.replica, view, part.chunk) + lane, total[n]);
  }
}

/// Adds the chunks of one view; blocks along x: [replica][view][part of the lanes].
__global__ void __launch_bounds__(add_groups* quads) add_chunks(HeadTask task) {
  SACCADE_SHARED_ARRAY(float4, sums, [add_groups][quads]);
  const HeadForward& op = task.op;
  const int lanes = op.shape.lanes(), lane_parts = static_cast<int>(divide_up(lanes, lanes_per_block));
  const int map = static_cast<int>(blockIdx.x) / lane_parts;
  const int replica = map / task.views, view = map % task.views;
  if (!view_is_active(op.active, task.first_replica + replica, task.first_view + view)) return;  // the whole block
  const int quad = static_cast<int>(threadIdx.x), group = static_cast<int>(threadIdx.y);
  const int lane = static_cast<int>(blockIdx.x) % lane_parts * lanes_per_block + quad * 4;
  float4 sum = make_float4(0, 0, 0, 0);
  if (lane < lanes)
    for (int chunk = group; chunk < task.chunks; chunk += add_groups)
      sum = add(sum, load4(partial_sum(task, replica, view, chunk) + lane));
  sums[group][quad] = sum;
  __syncthreads();
  if (group != 0 || lane >= lanes) return;
  for (int g = 1; g < add_groups; ++g) sum = add(sum, sums[g][quad]);
  store4(op.embedding.at(task.first_replica + replica, task.first_view + view) + lane, sum);
}

void forward(Queue& queue, const HeadTask& task) {
  const std::size_t lane_parts = divide_up(task.op.shape.lanes(), lanes_per_block);
  const std::size_t parts = static_cast<std::size_t>(task.replicas) * task.chunks * lane_parts;
  const Size3 few_block{quads, static_cast<unsigned>(task.chunk / segment)};
  if (task.op.extent.views == 1) {
    queue.launch("head_forward_1", few<1>, {blocks(1, 1, parts)}, few_block, task);
  } else if (task.op.extent.views <= 2 * few_views) {
    queue.launch("head_forward_few", few<few_views>, {blocks(task.views, few_views, parts)}, few_block, task);
  } else {
    queue.launch("head_forward_many", many, {blocks(task.views, tile_views, parts)}, {tile_threads}, task);
  }
  queue.launch("head_forward_add", add_chunks, {blocks(task.views, 1, task.replicas * lane_parts)}, {quads, add_groups},
               task);
}

}  // namespace

void head_forward(Queue& queue, const HeadForward& op) {
  HeadTask task{};
  task.op = op;
  task.chunk = chunk_features(op.shape);
  task.chunks = static_cast<int>(divide_up(op.shape.in.features(), task.chunk));
  // Sums of chunks are as large as 1/256 of the weights for each view: bounded by going through the views, and through
  // the replicas, in parts.
  constexpr std::size_t floats_at_once = std::size_t{1} << 25;
  const std::size_t per_view = static_cast<std::size_t>(task.chunks) * op.shape.lanes();
  const auto views_at_once = static_cast<int>(std::max<std::size_t>(tile_views, floats_at_once / per_view));
  task.views = std::min(op.extent.views, views_at_once);
  task.replicas = std::min(op.extent.replicas, std::max(1, views_at_once / task.views));
  const int views = task.views, replicas = task.replicas;
  task.partial = static_cast<float*>(queue.scratch(per_view * views * replicas * sizeof(float)));
  for (task.first_replica = 0; task.first_replica < op.extent.replicas; task.first_replica += replicas)
    for (task.first_view = 0; task.first_view < op.extent.views; task.first_view += views) {
      task.replicas = std::min(replicas, op.extent.replicas - task.first_replica);
      task.views = std::min(views, op.extent.views - task.first_view);
      forward(queue, task);
    }
}

}  // namespace saccade::SACCADE_CUDA
