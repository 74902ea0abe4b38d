#include "engine/cuda/portability.h"

#include "engine/cuda/kernels/kernels.h"

#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/map_features.cuh"
#include "engine/cuda/kernels/quads.cuh"
#include "engine/cuda/kernels/sign.cuh"

/// A head's error carried down: error_below[f] = f'(input[f]) * sum over lanes of feedback[f][lane] * error[lane].
///
/// Order of the sum, the same for any number of views: four chains, of lanes 16 m + 4 q .. + 3 for q = 0 .. 3, added in
/// order.
///
/// One view or few (event mode): 4 bytes of weights for a multiply-add, so memory sets the time; each weight is read
/// once, by four threads a feature, which exchange their chains by shuffles.
///
/// Many views: 64 features x 64 views a block, 4 x 8 a thread in registers, 16 lanes of one chain deep in shared
/// memory: 32 multiply-adds for 12 floats out of shared memory, 8 KB out of the caches for 65536.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int chains = 4;

__device__ __forceinline__ float4 feedback4(const Feedback& feedback, const float* weights) {
  const float4 w = load4(weights);
  return feedback.sign_only ? make_float4(sign(w.x), sign(w.y), sign(w.z), sign(w.w)) : w;
}

__device__ __forceinline__ float pass_down(const HeadInputGradient& op, float input, float sent, float below) {
  const float error = through_derivative(op.below, input, sent);
  return op.accumulate ? below + error : error;
}

constexpr int few_threads = 256, few_features = few_threads / chains;

/// Up to `Views` views; blocks along x: [replica][group of views][features].
template <int Views>
__global__ void __launch_bounds__(few_threads) few(HeadInputGradient op) {
  const auto all = static_cast<int>(op.shape.in.features());
  const int parts = static_cast<int>(divide_up(all, few_features));
  const int groups = static_cast<int>(divide_up(op.extent.views, Views));
  const int part = static_cast<int>(blockIdx.x) % parts, rest = static_cast<int>(blockIdx.x) / parts;
  const int replica = rest / groups, first_view = rest % groups * Views;
  const int chain = static_cast<int>(threadIdx.x) % chains;
  const int feature = part * few_features + static_cast<int>(threadIdx.x) / chains, lanes = op.shape.lanes();

  bool active[Views];
#pragma unroll
  for (int v = 0; v < Views; ++v)
    active[v] = first_view + v < op.extent.views && view_is_active(op.active, replica, first_view + v);
  bool any = false;
#pragma unroll
  for (int v = 0; v < Views; ++v) any = any || active[v];
  if (!any) return;  // the whole block

  float sum[Views] = {};
  if (feature < all) {
    const float* weights = op.feedback.weights.at(replica) + static_cast<std::ptrdiff_t>(feature) * lanes;
#pragma unroll 4
    for (int lane = chain * 4; lane < lanes; lane += chains * 4) {
      const float4 w = feedback4(op.feedback, weights + lane);
#pragma unroll
      for (int v = 0; v < Views; ++v) {
        if (!active[v]) continue;
        const float4 e = load4(op.error.at(replica, first_view + v) + lane);
        sum[v] = fmaf(w.w, e.w, fmaf(w.z, e.z, fmaf(w.y, e.y, fmaf(w.x, e.x, sum[v]))));
      }
    }
  }
#pragma unroll
  for (int v = 0; v < Views; ++v) {  // in order as seen from the thread of chain 0, which alone goes on
    const float second = __shfl_xor_sync(whole_warp, sum[v], 1), third = __shfl_xor_sync(whole_warp, sum[v], 2),
                fourth = __shfl_xor_sync(whole_warp, sum[v], 3);
    sum[v] = ((sum[v] + second) + third) + fourth;
  }
  if (feature >= all || chain != 0) return;
  const std::ptrdiff_t at = feature_offset(op.shape.in, static_cast<unsigned>(feature));
#pragma unroll
  for (int v = 0; v < Views; ++v) {
    if (!active[v]) continue;
    float& below = op.error_below.at(replica, first_view + v)[at];
    below = pass_down(op, op.input.at(replica, first_view + v)[at], sum[v], op.accumulate ? below : 0.0f);
  }
}

constexpr int tile_threads = 128, tile_features = 64, tile_views = 64, tile_depth = 16;
constexpr int thread_features = 4, thread_views = 8;
constexpr int stride = 64 + 4;  ///< keeps rows aligned to 16 bytes and apart in the banks

/// Quads of lanes of `chain` from `first` on, of 64 rows, into shared memory with rows innermost; 0 for what is
/// missing. A warp takes 8 rows of 4 quads.
template <class Load>
__device__ __forceinline__ void fill(float (&tile)[tile_depth][stride], int chain, int first, int lanes,
                                     const Load& load) {
#pragma unroll
  for (int i = static_cast<int>(threadIdx.x); i < 64 * tile_depth / 4; i += tile_threads) {
    const int quad = i / 8 % 4, row = i % 8 + i / 32 * 8, lane = (first + quad) * 16 + chain * 4;
    const float4 value = lane < lanes ? load(row, lane) : make_float4(0, 0, 0, 0);
    tile[quad * 4][row] = value.x;
    tile[quad * 4 + 1][row] = value.y;
    tile[quad * 4 + 2][row] = value.z;
    tile[quad * 4 + 3][row] = value.w;
  }
}

/// Blocks along x: [replica][64 views][64 features]. Thread (quad, row) has features 4 quad .. + 3, views 8 row .. + 7.
__global__ void __launch_bounds__(tile_threads, 4) many(HeadInputGradient op) {
  SACCADE_SHARED_ARRAY(float, w, [tile_depth][stride]);
  SACCADE_SHARED_ARRAY(float, e, [tile_depth][stride]);
  SACCADE_SHARED_ARRAY(int, active, [tile_views]);
  const MapShape& in = op.shape.in;
  const auto all = static_cast<int>(in.features());
  const int parts = static_cast<int>(divide_up(all, tile_features));
  const int groups = static_cast<int>(divide_up(op.extent.views, tile_views));
  const int rest = static_cast<int>(blockIdx.x) / parts, replica = rest / groups;
  const int first_view = rest % groups * tile_views,
            first_feature = static_cast<int>(blockIdx.x) % parts * tile_features;
  const int thread = static_cast<int>(threadIdx.x), quad = thread % 16, row = thread / 16, lanes = op.shape.lanes();

  for (int v = thread; v < tile_views; v += tile_threads)
    active[v] = first_view + v < op.extent.views && view_is_active(op.active, replica, first_view + v);
  __syncthreads();

  float4 total[thread_views], sum[thread_views];
#pragma unroll
  for (int n = 0; n < thread_views; ++n) total[n] = make_float4(0, 0, 0, 0);
  for (int chain = 0; chain < chains; ++chain) {
#pragma unroll
    for (int n = 0; n < thread_views; ++n) sum[n] = make_float4(0, 0, 0, 0);
    for (int first = 0; first * 16 < lanes; first += tile_depth / 4) {
      fill(w, chain, first, lanes, [&](int f, int lane) {
        const int feature = first_feature + f;
        return feature < all ? feedback4(op.feedback, op.feedback.weights.at(replica) +
                                                          static_cast<std::ptrdiff_t>(feature) * lanes + lane)
                             : make_float4(0, 0, 0, 0);
      });
      fill(e, chain, first, lanes, [&](int v, int lane) {
        return active[v] != 0 ? load4(op.error.at(replica, first_view + v) + lane) : make_float4(0, 0, 0, 0);
      });
      __syncthreads();
#pragma unroll 4
      for (int k = 0; k < tile_depth; ++k) {
        const float4 weight = load4(&w[k][quad * thread_features]);
        const float4 a = load4(&e[k][row * thread_views]), b = load4(&e[k][row * thread_views + 4]);
        sum[0] = multiply_add(a.x, weight, sum[0]);
        sum[1] = multiply_add(a.y, weight, sum[1]);
        sum[2] = multiply_add(a.z, weight, sum[2]);
        sum[3] = multiply_add(a.w, weight, sum[3]);
        sum[4] = multiply_add(b.x, weight, sum[4]);
        sum[5] = multiply_add(b.y, weight, sum[5]);
        sum[6] = multiply_add(b.z, weight, sum[6]);
        sum[7] = multiply_add(b.w, weight, sum[7]);
      }
      __syncthreads();
    }
#pragma unroll
    for (int n = 0; n < thread_views; ++n) total[n] = chain == 0 ? sum[n] : add(total[n], sum[n]);
  }

  const int feature = first_feature + quad * thread_features;
  // Four features that lie side by side go as one access.
  const bool together = in.channels % 4 == 0 && in.lanes % 4 == 0;
#pragma unroll
  for (int n = 0; n < thread_views; ++n) {
    if (active[row * thread_views + n] == 0) continue;
    const int view = first_view + row * thread_views + n;
    const float* input = op.input.at(replica, view);
    float* below = op.error_below.at(replica, view);
    const float4 sent = total[n];
    if (together) {
      if (feature >= all) continue;
      const std::ptrdiff_t at = feature_offset(in, static_cast<unsigned>(feature));
      const float4 output = load4(input + at), before = op.accumulate ? load4(below + at) : make_float4(0, 0, 0, 0);
      store4(below + at,
             make_float4(pass_down(op, output.x, sent.x, before.x), pass_down(op, output.y, sent.y, before.y),
                         pass_down(op, output.z, sent.z, before.z), pass_down(op, output.w, sent.w, before.w)));
    } else {
      const float each[] = {sent.x, sent.y, sent.z, sent.w};
#pragma unroll
      for (int f = 0; f < thread_features; ++f) {
        if (feature + f >= all) continue;
        const std::ptrdiff_t at = feature_offset(in, static_cast<unsigned>(feature + f));
        below[at] = pass_down(op, input[at], each[f], op.accumulate ? below[at] : 0.0f);
      }
    }
  }
}

}  // namespace

void head_input_gradient(Queue& queue, const HeadInputGradient& op) {
  const std::size_t features = op.shape.in.features(), replicas = op.extent.replicas, views = op.extent.views;
  if (views == 1) {
    queue.launch("head_input_gradient_1", few<1>, {blocks(features, few_features, replicas)}, {few_threads}, op);
  } else if (views <= 8) {
    queue.launch("head_input_gradient_few", few<4>, {blocks(features, few_features, replicas * divide_up(views, 4))},
                 {few_threads}, op);
  } else {
    queue.launch("head_input_gradient_many", many,
                 {blocks(features, tile_features, replicas * divide_up(views, tile_views))}, {tile_threads}, op);
  }
}

}  // namespace saccade::SACCADE_CUDA
