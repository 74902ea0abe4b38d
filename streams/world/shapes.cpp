#include "streams/world/shapes.h"

#include <algorithm>
#include <numbers>

namespace saccade {
namespace {

using solid::arc, solid::cosine, solid::line, solid::Point, solid::sine;

constexpr int round_segments = 20;

/// Corners on circles, alternating between the radii.
std::vector<Point> polygon(int corners, std::vector<double> radii, double turns = 0.25) {
  std::vector<Point> points;
  for (int i = 0; i < corners; ++i) {
    const double at = turns + static_cast<double>(i) / corners;
    const double radius = radii[static_cast<std::size_t>(i) % radii.size()];
    points.push_back({radius * cosine(at), radius * sine(at)});
  }
  return points;
}

void box(Mesh& mesh) { solid::box(mesh, {-1, -1, -1}, {1, 1, 1}); }

void sphere(Mesh& mesh) { solid::lathe(mesh, {arc({0, 0}, 1, -0.25, 0.25, 12)}, round_segments); }

void cylinder(Mesh& mesh) {
  solid::lathe(mesh, {line({0, -1.1}, {0.75, -1.1}), line({0.75, -1.1}, {0.75, 1.1}), line({0.75, 1.1}, {0, 1.1})},
               round_segments);
}

void cone(Mesh& mesh) { solid::lathe(mesh, {line({0, -1}, {0.9, -1}), line({0.9, -1}, {0, 1})}, round_segments); }

void torus(Mesh& mesh) { solid::lathe(mesh, {arc({0.7, 0}, 0.3, 0, 1, 12)}, round_segments); }

void pyramid(Mesh& mesh) {
  const std::vector<Vector3> corners{{-1, -0.8f, 1}, {1, -0.8f, 1}, {1, -0.8f, -1}, {-1, -0.8f, -1}, {0, 0.8f, 0}};
  solid::facets(mesh, corners, {{3, 2, 1, 0}, {0, 1, 4}, {1, 2, 4}, {2, 3, 4}, {3, 0, 4}});
}

void octahedron(Mesh& mesh) {
  const std::vector<Vector3> corners{{1, 0, 0}, {-1, 0, 0}, {0, 1.25f, 0}, {0, -1.25f, 0}, {0, 0, 1}, {0, 0, -1}};
  solid::facets(mesh, corners,
                {{0, 2, 4}, {4, 2, 1}, {1, 2, 5}, {5, 2, 0}, {0, 4, 3}, {4, 1, 3}, {1, 5, 3}, {5, 0, 3}});
}

/// A triangular one.
void prism(Mesh& mesh) { solid::extrude(mesh, polygon(3, {0.9}), {0, 0}, 1); }

void capsule(Mesh& mesh) {
  solid::lathe(mesh, {arc({0, -0.8}, 0.5, -0.25, 0, 6), line({0.5, -0.8}, {0.5, 0.8}), arc({0, 0.8}, 0.5, 0, 0.25, 6)},
               round_segments);
}

void tube(Mesh& mesh) {
  solid::lathe(mesh,
               {line({0.6, -0.6}, {0.9, -0.6}), line({0.9, -0.6}, {0.9, 0.6}), line({0.9, 0.6}, {0.6, 0.6}),
                line({0.6, 0.6}, {0.6, -0.6})},
               round_segments);
}

/// An L.
void bracket(Mesh& mesh) {
  solid::extrude(mesh, {{-0.8, -1}, {0.8, -1}, {0.8, -0.4}, {-0.2, -0.4}, {-0.2, 1}, {-0.8, 1}}, {-0.5, -0.7}, 0.4);
}

/// Three crossed beams.
void jack(Mesh& mesh) {
  constexpr float r = 0.26f;
  solid::box(mesh, {-1, -r, -r}, {1, r, r});
  solid::box(mesh, {-r, -1, -r}, {r, 1, r});
  solid::box(mesh, {-r, -r, -1}, {r, r, 1});
}

void star(Mesh& mesh) { solid::extrude(mesh, polygon(10, {1, 0.42}), {0, 0}, 0.28); }

void stairs(Mesh& mesh) {
  solid::extrude(
      mesh, {{-0.9, -0.9}, {0.9, -0.9}, {0.9, -0.3}, {0.3, -0.3}, {0.3, 0.3}, {-0.3, 0.3}, {-0.3, 0.9}, {-0.9, 0.9}},
      {-0.6, -0.6}, 0.6);
}

/// A helix around the y-axis.
void spring(Mesh& mesh) {
  constexpr double coils = 2.5, height = 1.9, radius = 0.68;
  constexpr int pieces = 40;
  std::vector<solid::Frame> curve;
  for (int i = 0; i <= pieces; ++i) {
    const double t = static_cast<double>(i) / pieces, c = cosine(coils * t), s = sine(coils * t);
    const double around = 2 * std::numbers::pi * coils * radius;
    curve.push_back(
        {{static_cast<float>(radius * c), static_cast<float>(height * (t - 0.5)), static_cast<float>(radius * s)},
         {static_cast<float>(c), 0, static_cast<float>(s)},
         {static_cast<float>(-around * s), static_cast<float>(height), static_cast<float>(around * c)}});
  }
  solid::rod(mesh, curve, 0.2, 8);
}

void mug(Mesh& mesh) {
  solid::lathe(mesh,
               {line({0, -0.8}, {0.6, -0.8}), line({0.6, -0.8}, {0.6, 0.8}), line({0.6, 0.8}, {0.48, 0.8}),
                line({0.48, 0.8}, {0.48, -0.65}), line({0.48, -0.65}, {0, -0.65})},
               round_segments);
  std::vector<solid::Frame> handle;
  for (int i = 0; i <= 10; ++i) {
    const double at = -0.25 + 0.05 * i;
    const auto c = static_cast<float>(cosine(at)), s = static_cast<float>(sine(at));
    handle.push_back({{0.55f + 0.5f * c, 0.45f * s, 0}, {c, s, 0}, {-0.5f * s, 0.45f * c, 0}});
  }
  solid::rod(mesh, handle, 0.12, 8);
}

struct Shape {
  const char* name;
  void (*make)(Mesh&);
};
constexpr Shape shapes[] = {{"box", box},         {"sphere", sphere},   {"cylinder", cylinder},     {"cone", cone},
                            {"torus", torus},     {"pyramid", pyramid}, {"octahedron", octahedron}, {"prism", prism},
                            {"capsule", capsule}, {"tube", tube},       {"bracket", bracket},       {"jack", jack},
                            {"star", star},       {"stairs", stairs},   {"spring", spring},         {"mug", mug}};

/// Moves the middle of the bounding box to the origin and the farthest vertex to distance 1.
void centre(Mesh& mesh) {
  Vector3 low = mesh.positions[0], high = low;
  for (const Vector3& p : mesh.positions) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  float farthest = 0;
  for (Vector3& p : mesh.positions) {
    p = p - 0.5f * (low + high);
    farthest = std::max(farthest, length(p));
  }
  for (Vector3& p : mesh.positions) p = (1 / farthest) * p;
}

std::vector<Mesh> make_meshes() {
  std::vector<Mesh> meshes;
  for (const Shape& shape : shapes) {
    Mesh mesh;
    shape.make(mesh);
    centre(mesh);
    meshes.push_back(std::move(mesh));
  }
  return meshes;
}

}  // namespace

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Shape& shape : shapes) list.emplace_back(shape.name);
    return list;
  }();
  return names;
}

const Mesh& shape_mesh(int shape) {
  static const std::vector<Mesh> meshes = make_meshes();
  return meshes.at(static_cast<std::size_t>(shape));
}

}  // namespace saccade
