#pragma once
#include <cstdint>

#include "streams/world/vector3.h"

namespace saccade {

/// The light of background `number` at a place of the picture, -1 to 1 (right, up): two dull colours, blended along a
/// direction and by noise.
class Background {
 public:
  explicit Background(std::uint32_t number);
  Vector3 at(float x, float y) const;

 private:
  Vector3 colours_[2];
  float right_, up_, slice_;
};

}  // namespace saccade
