#pragma once
#include <string>

#include "engine/checkpoint.h"
#include "models/parameters.h"

namespace saccade {

/// The first tensor of a state that holds numbers which are not finite, and how many, in words:
/// "conv.2.weight: 12 of 4608 values are not finite"; empty where all are. Reals are looked at too, but for "record."
/// ones.
std::string not_finite(const Checkpoint& state);

/// Whether all weights of a replica, feedback too, are finite. A pass over them: a few of the views that change them.
bool all_finite(const Parameters& parameters, int replica);

}  // namespace saccade
