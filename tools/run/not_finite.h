#pragma once
#include <string>

#include "engine/checkpoint.h"

namespace saccade {

/// The first tensor of a state that holds numbers which are not finite, and how many, in words:
/// "conv.2.weight: 12 of 4608 values are not finite"; empty where all are. Reals are looked at too, but for "record."
/// ones.
std::string not_finite(const Checkpoint& state);

}  // namespace saccade
