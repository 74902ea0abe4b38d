#pragma once
#include <cmath>

namespace saccade {

/// Right-handed: x to the right, y up, z towards the eye.
struct Vector3 {
  float x = 0, y = 0, z = 0;
  friend Vector3 operator+(Vector3 a, Vector3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Vector3 operator-(Vector3 a, Vector3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Vector3 operator*(float s, Vector3 a) { return {s * a.x, s * a.y, s * a.z}; }
  friend bool operator==(const Vector3&, const Vector3&) = default;
};

/// Component by component.
inline Vector3 scaled(Vector3 a, Vector3 by) { return {a.x * by.x, a.y * by.y, a.z * by.z}; }
inline float dot(Vector3 a, Vector3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vector3 cross(Vector3 a, Vector3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
inline float length(Vector3 a) { return std::sqrt(dot(a, a)); }
/// a is not 0.
inline Vector3 normalised(Vector3 a) { return (1 / length(a)) * a; }

}  // namespace saccade
