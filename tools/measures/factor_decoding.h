#pragma once
#include <vector>

#include "models/linear_probe.h"
#include "streams/known_factors.h"

namespace saccade {

/// How well each factor can be read out linearly: R^2 = 1 - sum |y - y'|^2 / sum |y - m|^2 over `tested` and over the
/// factor's numbers, y' being a ridge regression on `stored` and m their mean there; 1 is perfect, 0 no better than the
/// mean, less is worse; NaN for a factor that does not vary. The penalty is, for each factor, the one of 10^-4 .. 10^1
/// times the features' mean squared norm that serves best on the last fifth of `stored` when fitted on the rest; then
/// all are fitted. Features as rows, their means zero over `stored` (FeatureScaling). In single precision over
/// features, double otherwise; n^2 (features + n) operations for n stored images.
/// std::invalid_argument for tables that do not belong together, or fewer than 10 stored or 1 tested image.
std::vector<double> factor_r2(const Features& stored, const KnownFactors& stored_factors, const Features& tested,
                              const KnownFactors& tested_factors);

}  // namespace saccade
