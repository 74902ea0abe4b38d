#pragma once
#include "engine/cuda/portability.h"

/// Sums over the threads of a block in a fixed order.
namespace saccade::SACCADE_CUDA {

inline constexpr unsigned whole_warp = 0xffff'ffffu;

/// The sum of `own` over a one-dimensional block of `Threads` = 32 n threads, which all call it and all get it: in each
/// warp by the tree i + (i ^ 16), then ^ 8, ^ 4, ^ 2, ^ 1, then warp after warp. Ends with a barrier.
template <int Threads, class T>
__device__ __forceinline__ T block_sum(T own) {
  static_assert(Threads % 32 == 0);
  SACCADE_SHARED_ARRAY(T, warps, [Threads / 32]);
  for (int step = 16; step > 0; step /= 2) own += __shfl_xor_sync(whole_warp, own, step);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = own;
  __syncthreads();
  T sum = warps[0];
  for (int warp = 1; warp < Threads / 32; ++warp) sum += warps[warp];
  __syncthreads();  // the next call writes the same array
  return sum;
}

}  // namespace saccade::SACCADE_CUDA
