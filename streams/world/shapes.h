#pragma once
#include <string>
#include <vector>

#include "streams/world/mesh.h"

namespace saccade {

/// The shapes of the built-in world: its classes, in label order.
const std::vector<std::string>& shape_names();

/// The surface of a shape, its middle at the origin, within a sphere of radius 1 that it touches. Made once.
const Mesh& shape_mesh(int shape);

}  // namespace saccade
