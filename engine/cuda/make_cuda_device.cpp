#include "engine/cuda/cuda_device.h"

/// Alone in its file: a program that brings a function of this name (the tests' emulation) is not given this one by the
/// linker.
std::unique_ptr<saccade::Device> saccade::make_cuda_device() {
  return std::make_unique<SACCADE_CUDA::CudaDevice>(SACCADE_CUDA::make_runtime());
}

bool saccade::built_with_cuda() { return true; }
