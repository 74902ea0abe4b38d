#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/conv_transposed.h"
#include "engine/cuda/kernels/kernels.h"

/// The error's way down, eqs. 9 and 10: the transposed convolution of conv_transpose.cu with the derivative of the
/// activation below. The feedback weights are read as they are stored, so op.packed is not looked at.
namespace saccade::SACCADE_CUDA {

void conv_input_gradient(Queue& queue, const ConvInputGradient& op) {
  transposed_conv(
      queue, "conv_input_gradient",
      {op.shape, op.extent, op.error, op.winners, op.feedback, op.input, op.below, op.active, op.error_below});
}

}  // namespace saccade::SACCADE_CUDA
