#pragma once
#include "streams/known_factors.h"
#include "streams/world/scene.h"

namespace saccade {

/// The factors of a scene as numbers that a linear read-out can look for:
///   rotation  the nine entries of the rotation matrix (a quaternion and its negative are the same rotation)
///   distance  its logarithm to base 2
///   place     x and y in the picture
///   light     the unit vector towards the light
///   strength  logarithm to base 2 of the light's
///   ambient   likewise
/// The background is a number without order.
KnownFactors decodable_factors();
/// Adds one image to such a table. A scene without directed light, or without ambient light, has strength 2^-10.
void add_scene(const Scene& scene, KnownFactors& factors);

}  // namespace saccade
