#pragma once
#include "engine/cuda/kernels/block_sum.cuh"

/// Terms of a loss that belong to one owner, in their order.
namespace saccade::SACCADE_CUDA {

/// visit(i) for each i < count with belongs(i), in ascending order. All `Threads` = 32 n threads of a one-dimensional
/// block call it: they test different terms, and each of them visits all that belong. A batch of all pairs has n^2
/// terms, so the test must be cheap: a warp's 32 answers are gathered in one word.
template <int Threads, class Belongs, class Visit>
__device__ __forceinline__ void for_each_own_term(int count, const Belongs& belongs, const Visit& visit) {
  SACCADE_SHARED_ARRAY(unsigned, answers, [Threads / 32]);
  const int thread = static_cast<int>(threadIdx.x);
  for (int first = 0; first < count; first += Threads) {
    const int term = first + thread;
    const unsigned answer = __ballot_sync(whole_warp, term < count && belongs(term));
    if (thread % 32 == 0) answers[thread / 32] = answer;
    __syncthreads();
    for (int warp = 0; warp < Threads / 32; ++warp)
      for (unsigned rest = answers[warp]; rest != 0; rest &= rest - 1)
        visit(first + warp * 32 + __ffs(static_cast<int>(rest)) - 1);  // nvcc 13 makes 32 of std::countr_zero
    __syncthreads();
  }
}

}  // namespace saccade::SACCADE_CUDA
