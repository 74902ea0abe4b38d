#pragma once
#include <vector>

#include "models/linear_probe.h"

namespace saccade {

/// Makes a probe independent of the size of features: each feature minus its mean over the probe's training images,
/// divided by its standard deviation there, as a normalisation layer before the classifier would; a feature that does
/// not vary becomes 0. All are then multiplied by one number that gives the rows of the training set a mean squared
/// norm of `squared_norm`, whatever the number of features.
///
/// Why: Adam moves a weight by about its rate at each step however small the feature is that it reads, so a probe of
/// a given length finds less in small features than in the same features multiplied by a constant.
class FeatureScaling {
 public:
  static constexpr double squared_norm = 400;

  /// Measured on the features that the probe will be trained on.
  FeatureScaling(Device& device, const Features& training);
  void apply(Device& device, Features& features) const;

 private:
  std::vector<float> mean_, scale_;
};

}  // namespace saccade
