#include "engine/device.h"
#include "engine/error.h"

/// For builds without CUDA, in place of engine/cuda/make_cuda_device.cpp.
std::unique_ptr<saccade::Device> saccade::make_cuda_device() {
  throw InputError("this program was built without CUDA (no nvcc of version 12.0 or newer was found)");
}

bool saccade::built_with_cuda() { return false; }
