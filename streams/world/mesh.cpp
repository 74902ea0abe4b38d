#include "streams/world/mesh.h"

#include <algorithm>
#include <numbers>

#include "engine/elementary.h"

namespace saccade::solid {
namespace {

Vector3 vector(double x, double y, double z) {
  return {static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)};
}

int add_vertex(Mesh& mesh, Vector3 position, Vector3 normal) {
  mesh.positions.push_back(position);
  mesh.normals.push_back(normal);
  return static_cast<int>(mesh.positions.size()) - 1;
}

void add_triangle(Mesh& mesh, int a, int b, int c) {
  mesh.triangles.push_back(
      {static_cast<std::uint16_t>(a), static_cast<std::uint16_t>(b), static_cast<std::uint16_t>(c)});
}

/// A flat polygon, as a fan around its first corner.
void add_face(Mesh& mesh, const std::vector<Vector3>& corners) {
  const Vector3 normal = normalised(cross(corners[1] - corners[0], corners[2] - corners[0]));
  const int first = static_cast<int>(mesh.positions.size());
  for (const Vector3& corner : corners) add_vertex(mesh, corner, normal);
  for (int i = 2; i < static_cast<int>(corners.size()); ++i) add_triangle(mesh, first, first + i - 1, first + i);
}

}  // namespace

double cosine(double turns) { return own_cos(2 * std::numbers::pi * turns); }
double sine(double turns) { return own_sin(2 * std::numbers::pi * turns); }

Strip line(Point from, Point to) {
  const double x = to.x - from.x, y = to.y - from.y, length = std::sqrt(x * x + y * y);
  const Point right{y / length, -x / length};
  return {{from, to}, {right, right}};
}

Strip arc(Point centre, double radius, double from, double to, int pieces) {
  Strip strip;
  for (int i = 0; i <= pieces; ++i) {
    const double turns = from + (to - from) * i / pieces;
    const Point normal{cosine(turns), sine(turns)};
    Point at{centre.x + radius * normal.x, centre.y + radius * normal.y};
    if (std::fabs(at.x) < 1e-12) at.x = 0;  // a pole: lathe() looks for it
    strip.points.push_back(at);
    strip.normals.push_back(normal);
  }
  return strip;
}

void lathe(Mesh& mesh, const std::vector<Strip>& profile, int segments) {
  for (const Strip& strip : profile) {
    const int first = static_cast<int>(mesh.positions.size());
    for (std::size_t i = 0; i < strip.points.size(); ++i)
      for (int s = 0; s < segments; ++s) {
        const double c = cosine(static_cast<double>(s) / segments), d = sine(static_cast<double>(s) / segments);
        const Point p = strip.points[i], n = strip.normals[i];
        add_vertex(mesh, vector(p.x * c, p.y, -p.x * d), vector(n.x * c, n.y, -n.x * d));
      }
    for (int i = 0; i + 1 < static_cast<int>(strip.points.size()); ++i)
      for (int s = 0; s < segments; ++s) {
        const int next = (s + 1) % segments, low = first + i * segments, high = low + segments;
        if (strip.points[i].x != 0) add_triangle(mesh, low + s, low + next, high + next);
        if (strip.points[i + 1].x != 0) add_triangle(mesh, low + s, high + next, high + s);
      }
  }
}

void facets(Mesh& mesh, std::span<const Vector3> corners, const std::vector<std::vector<int>>& faces) {
  for (const std::vector<int>& face : faces) {
    std::vector<Vector3> polygon;
    for (int corner : face) polygon.push_back(corners[corner]);
    add_face(mesh, polygon);
  }
}

void extrude(Mesh& mesh, const std::vector<Point>& polygon, Point kernel, double depth) {
  std::vector<Vector3> front{vector(kernel.x, kernel.y, depth)}, back{vector(kernel.x, kernel.y, -depth)};
  const std::size_t n = polygon.size();
  for (std::size_t i = 0; i <= n; ++i) {
    front.push_back(vector(polygon[i % n].x, polygon[i % n].y, depth));
    back.push_back(vector(polygon[(n - i) % n].x, polygon[(n - i) % n].y, -depth));
  }
  add_face(mesh, front);
  add_face(mesh, back);
  for (std::size_t i = 0; i < n; ++i) {
    const Point a = polygon[i], b = polygon[(i + 1) % n];
    add_face(mesh,
             {vector(a.x, a.y, depth), vector(a.x, a.y, -depth), vector(b.x, b.y, -depth), vector(b.x, b.y, depth)});
  }
}

void box(Mesh& mesh, Vector3 low, Vector3 high) {
  std::vector<Vector3> corners;
  for (int i = 0; i < 8; ++i)
    corners.push_back({i & 1 ? high.x : low.x, i & 2 ? high.y : low.y, i & 4 ? high.z : low.z});
  facets(mesh, corners, {{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4}, {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}});
}

void rod(Mesh& mesh, const std::vector<Frame>& curve, double radius, int segments) {
  const auto r = static_cast<float>(radius);
  const int first = static_cast<int>(mesh.positions.size());
  std::vector<Vector3> ends[2];
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const Vector3 tangent = normalised(curve[i].tangent);
    const Vector3 side = normalised(curve[i].side - dot(curve[i].side, tangent) * tangent);
    const Vector3 other = cross(tangent, side);
    for (int s = 0; s < segments; ++s) {
      const auto c = static_cast<float>(cosine(static_cast<double>(s) / segments));
      const auto d = static_cast<float>(sine(static_cast<double>(s) / segments));
      const Vector3 normal = c * side + d * other, at = curve[i].position + r * normal;
      add_vertex(mesh, at, normal);
      if (i == 0) ends[0].push_back(at);
      if (i + 1 == curve.size()) ends[1].push_back(at);
    }
  }
  for (int i = 0; i + 1 < static_cast<int>(curve.size()); ++i)
    for (int s = 0; s < segments; ++s) {
      const int next = (s + 1) % segments, low = first + i * segments, high = low + segments;
      add_triangle(mesh, low + s, low + next, high + next);
      add_triangle(mesh, low + s, high + next, high + s);
    }
  std::reverse(ends[0].begin(), ends[0].end());
  for (const std::vector<Vector3>& end : ends) add_face(mesh, end);
}

}  // namespace saccade::solid
