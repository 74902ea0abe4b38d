#pragma once
#include <string>
#include <vector>

#include "engine/shapes.h"
#include "engine/tensor.h"

/// Between the layouts of a device (engine/shapes.h) and the logical ones of files (engine/tensor.h). Values are
/// copied, never changed; padding is zero.
namespace saccade {

Tensor conv_to_logical(const ConvShape& shape, const float* weights,
                       std::string name);  ///< [K, C, 3, 3], or [H, W, K, C, 3, 3]
Tensor head_to_logical(const HeadShape& shape, const float* weights,
                       std::string name);  ///< [embedding, F], F = (channel, row, column)
/// InputError naming the tensor when its shape is another than the layer's.
std::vector<float> conv_from_logical(const ConvShape& shape, const Tensor& tensor);
std::vector<float> head_from_logical(const HeadShape& shape, const Tensor& tensor);

/// [n][C][H][W] or [H][W][C] order of one image.
std::vector<float> channels_last(const float* image, int channels, int height, int width);

}  // namespace saccade
