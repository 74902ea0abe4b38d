#pragma once
#include "engine/cuda/kernels/block_sum.cuh"
#include "engine/operations.h"

/// Flags of active views, looked at on the device.
namespace saccade::SACCADE_CUDA {

__device__ __forceinline__ bool view_is_active(const ConstFlags& active, int replica, int view) {
  return !active || *active.at(replica, view) != 0;
}

/// Whether any of the first `views` flags is set; all threads of a one-dimensional block call it.
template <int Threads>
__device__ __forceinline__ bool any_view_is_active(const ConstFlags& active, int replica, int views) {
  if (!active) return true;
  int own = 0;
  for (int view = static_cast<int>(threadIdx.x); view < views; view += Threads) own |= *active.at(replica, view) != 0;
  return block_sum<Threads>(own) > 0;
}

}  // namespace saccade::SACCADE_CUDA
