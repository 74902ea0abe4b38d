#pragma once
/// Included first by every .cu file. nvcc compiles the file for the GPU; the tests compile the very same file with the
/// host's compiler for an emulation of CUDA (tests/emulation), which provides the few names of CUDA that our kernels
/// use. So kernels stay off __CUDA_ARCH__, inline PTX and the <<< >>> syntax, and write down every fused
/// multiply-add (fmaf): both builds leave a * b + c alone, and then compute the same bits but for exp, log and tanh.
/// They also stay off the counting functions of <bit>: nvcc 13 makes a constant of std::countr_zero, silently. What a
/// card makes of the kernels is tested by tests/gpu.
#if defined(__CUDACC__)

#include <cuda_runtime.h>

#pragma nv_diag_suppress 554  // Strided<const T> has a conversion to itself, which is never called: that is meant

/// Memory shared by a block's threads: SACCADE_SHARED_ARRAY(float, tile, [32][33]); at most 48 KiB in all.
#define SACCADE_SHARED_ARRAY(type, name, extents) __shared__ type name extents

#else

#include "cuda_emulation.h"

#endif
