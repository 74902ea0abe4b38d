#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "streams/world/vector3.h"

namespace saccade {

/// Triangles of one or more closed surfaces, which may pass through each other. Seen from outside, a triangle's corners
/// run anticlockwise.
struct Mesh {
  std::vector<Vector3> positions;  ///< of the vertices
  std::vector<Vector3> normals;    ///< of the vertices: outward, of length 1; where two faces meet, each has its own
  std::vector<std::array<std::uint16_t, 3>> triangles;
};

/// Makers of closed surfaces; each adds one to a mesh. Curves are seen as in a drawing, anticlockwise around the solid.
namespace solid {

/// Of an angle in turns.
double cosine(double turns);
double sine(double turns);

struct Point {
  double x = 0, y = 0;
};
/// A smooth part of a profile, with its outward normals.
struct Strip {
  std::vector<Point> points, normals;
};
Strip line(Point from, Point to);
/// Of a circle, anticlockwise: turns from the x-axis, from < to.
Strip arc(Point centre, double radius, double from, double to, int pieces);

/// Turns a profile (x: distance from the axis) around the y-axis.
void lathe(Mesh& mesh, const std::vector<Strip>& profile, int segments);
/// Flat faces, each a polygon that is visible as a whole from its first corner.
void facets(Mesh& mesh, std::span<const Vector3> corners, const std::vector<std::vector<int>>& faces);
/// A polygon at z = +-depth, visible as a whole from `kernel`, and what lies between.
void extrude(Mesh& mesh, const std::vector<Point>& polygon, Point kernel, double depth);
/// A box between two corners.
void box(Mesh& mesh, Vector3 low, Vector3 high);
/// A point of a curve; `side` is not parallel to the tangent.
struct Frame {
  Vector3 position, side, tangent;
};
/// A round rod around a curve, with flat ends.
void rod(Mesh& mesh, const std::vector<Frame>& curve, double radius, int segments);

}  // namespace solid
}  // namespace saccade
