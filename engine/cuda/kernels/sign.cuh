#pragma once
#include "engine/cuda/portability.h"

namespace saccade::SACCADE_CUDA {

/// -1, 0 or 1; sgn(0) = 0, and 0 for NaN.
__device__ __forceinline__ float sign(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f; }

}  // namespace saccade::SACCADE_CUDA
