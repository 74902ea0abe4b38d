#pragma once
#include "streams/world/vector3.h"

namespace saccade {

/// Smooth noise in [0, 1], period 8 in each direction: random values on the whole points, between them cubic blends
/// 3 t^2 - 2 t^3 of the eight corners (value noise). |coordinates| < 1e6.
float noise(Vector3 at);

}  // namespace saccade
