#pragma once
#include <vector>

#include "models/linear_probe.h"

namespace saccade {

/// Cosines between the features of images, in double precision; features without their means over the images tell more
/// (FeatureScaling). Images whose features are all 0 have no direction and are left out; what nothing is left of is
/// NaN.
struct Similarity {
  int size = 0;
  std::vector<double> values;  ///< [size][size], symmetric
  double within = 0;           ///< mean over all pairs of images of one class
  double between = 0;          ///< of different classes
  double at(int row, int column) const { return values[static_cast<std::size_t>(row * size + column)]; }
};

/// Between classes: the mean over all pairs of an image of either; on the diagonal over pairs of different images.
Similarity class_similarity(Device& device, const Features& features);
/// Between the first `count` images; `within` and `between` are over them. Their own cosine is 1.
Similarity image_similarity(Device& device, const Features& features, int count);

}  // namespace saccade
