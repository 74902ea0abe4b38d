#pragma once
#include <optional>
#include <span>

#include "engine/shapes.h"

namespace saccade {

/// Of the features x of n views, each a vector of numbers, in double precision.
struct FeatureStatistics {
  double norm2 = 0;     ///< mean of |x|^2
  double variance = 0;  ///< mean of |x - mean|^2: the trace of the covariance C
  /// (tr C)^2 / tr C^2, from 1 (all on a line) to at most n - 1: how many directions share the variance. NaN where
  /// there is none.
  double participation_ratio = 0;
};

/// rows: [views][features]; features that are zero in every view (padding) change nothing. At least one view.
FeatureStatistics feature_statistics(std::span<const float> rows, int views);

/// How many of the values lie where the activation hardly answers any more: |x| >= 1 (hardtanh) or |x| > 0.99 (tanh).
/// Nothing for activations without such a place.
std::optional<double> saturated(Activation activation, std::span<const float> values);

}  // namespace saccade
