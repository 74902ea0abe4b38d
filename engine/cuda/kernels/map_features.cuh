#pragma once
#include "engine/cuda/portability.h"
#include "engine/shapes.h"

namespace saccade::SACCADE_CUDA {

/// Where a map stores feature (row * width + column) * channels + channel.
__device__ __forceinline__ std::ptrdiff_t feature_offset(const MapShape& map, unsigned feature) {
  const auto channels = static_cast<unsigned>(map.channels), width = static_cast<unsigned>(map.width);
  const unsigned pixel = feature / channels;
  return map.offset(static_cast<int>(pixel / width), static_cast<int>(pixel % width)) +
         static_cast<std::ptrdiff_t>(feature % channels);
}

}  // namespace saccade::SACCADE_CUDA
