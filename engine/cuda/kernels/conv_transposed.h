#pragma once
#include "engine/cuda/queue.h"
#include "engine/operations.h"

namespace saccade::SACCADE_CUDA {

/// What an error on its way down and a transposed convolution share: from a layer's output map to its input map,
/// weights^T above. With `output_of` the sums are multiplied with the derivative of the activation at that output, else
/// the activation is applied. Maps of inactive views are left as they are.
struct TransposedConv {
  ConvShape shape;
  Extent extent;
  ConstFloats above;      ///< shape.out
  ConstBytes winners;     ///< with max-pool
  Feedback weights;       ///< shape.weights() per replica
  ConstFloats output_of;  ///< shape.in, or null
  Activation activation;
  ConstFlags active;
  Floats below;  ///< shape.in
};
void transposed_conv(Queue& queue, const char* name, const TransposedConv& op);

}  // namespace saccade::SACCADE_CUDA
