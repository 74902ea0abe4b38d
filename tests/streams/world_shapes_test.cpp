#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "streams/world/shapes.h"

namespace saccade {
namespace {

/// Vertices at one place, to rounding, get one number.
std::vector<int> merged(const Mesh& mesh) {
  std::vector<int> number(mesh.positions.size());
  for (std::size_t i = 0; i < number.size(); ++i) {
    std::size_t j = 0;
    while (length(mesh.positions[j] - mesh.positions[i]) > 1e-5f) ++j;
    number[i] = static_cast<int>(j);
  }
  return number;
}

/// The surface that each merged vertex belongs to.
std::vector<int> surfaces(const Mesh& mesh, const std::vector<int>& number) {
  std::vector<int> surface(number.size());
  std::iota(surface.begin(), surface.end(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& triangle : mesh.triangles) {
      int least = surface[number[triangle[0]]];
      for (const auto corner : triangle) least = std::min(least, surface[number[corner]]);
      for (const auto corner : triangle)
        if (surface[number[corner]] != least) surface[number[corner]] = least, changed = true;
    }
  }
  return surface;
}

}  // namespace

TEST_CASE("shapes of the world: at least 12, each with a name of its own, and of radius 1") {
  const auto& names = shape_names();
  CHECK(names.size() >= 12);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CAPTURE(names[i]);
    float farthest = 0;
    for (const Vector3& p : shape_mesh(static_cast<int>(i)).positions) farthest = std::max(farthest, length(p));
    CHECK(farthest == doctest::Approx(1).epsilon(1e-6));
  }
  CHECK_THROWS(shape_mesh(static_cast<int>(names.size())));
}

TEST_CASE("shapes of the world: closed surfaces, wound anticlockwise, with normals of length 1 that point outward") {
  for (std::size_t shape = 0; shape < shape_names().size(); ++shape) {
    CAPTURE(shape_names()[shape]);
    const Mesh& mesh = shape_mesh(static_cast<int>(shape));
    REQUIRE(mesh.normals.size() == mesh.positions.size());
    const std::vector<int> number = merged(mesh), surface = surfaces(mesh, number);
    std::map<std::pair<int, int>, int> edges;
    std::map<int, double> volumes;  // six times that of each surface, by the divergence theorem
    for (const auto& triangle : mesh.triangles) {
      const Vector3 a = mesh.positions[triangle[0]], b = mesh.positions[triangle[1]], c = mesh.positions[triangle[2]];
      const Vector3 across = cross(b - a, c - a);
      REQUIRE(length(across) > 1e-5f);
      for (int i = 0; i < 3; ++i) {
        ++edges[{number[triangle[i]], number[triangle[(i + 1) % 3]]}];
        CHECK(length(mesh.normals[triangle[i]]) == doctest::Approx(1).epsilon(1e-5));
        CHECK(dot(mesh.normals[triangle[i]], normalised(across)) > 0.8f);  // the roundest bend is 45 degrees a piece
      }
      volumes[surface[number[triangle[0]]]] += static_cast<double>(dot(a, cross(b, c)));
    }
    for (const auto& [edge, count] : edges) {
      REQUIRE(count == 1);
      REQUIRE(edges.contains({edge.second, edge.first}));
    }
    const std::string& name = shape_names()[shape];
    CHECK(volumes.size() == (name == "jack" ? 3 : name == "mug" ? 2 : 1));
    for (const auto& [first, volume] : volumes) CHECK(volume > 0.05);
  }
}

}  // namespace saccade
