#pragma once
#include "models/linear_probe.h"

namespace saccade {

enum class Metric { euclidean, cosine };

/// Share of `tested` whose k nearest neighbours among `stored` vote for their label: most votes win, of equally many
/// those of the nearest; of equally near neighbours the one stored first is nearer. Rows without a direction (cosine of
/// 0) are as far from all. k is cut to what is stored. std::invalid_argument for features of different shapes, k < 1,
/// and nothing stored or tested.
double neighbour_accuracy(Device& device, const Features& stored, const Features& tested, int k, Metric metric);

}  // namespace saccade
