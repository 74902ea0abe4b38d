#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "engine/thread_pool.h"
#include "streams/world/background.h"
#include "streams/world/picture.h"
#include "streams/world/shapes.h"
#include "streams/world/world.h"

namespace saccade {
namespace {

std::vector<float> drawn(const Scene& scene, const WorldObject& object, int size = 32) {
  std::vector<float> pixels(static_cast<std::size_t>(size) * size * 3, -1.0f);
  draw_picture(scene, object, size, pixels.data());
  return pixels;
}

WorldObject white(int shape) {
  WorldObject object;
  object.shape = shape;
  object.proportions = {1, 1, 1};
  object.paint.colours[0] = {1, 1, 1};
  return object;
}

int shape_called(const std::string& name) {
  return static_cast<int>(std::find(shape_names().begin(), shape_names().end(), name) - shape_names().begin());
}

/// 1 where a pixel shows nothing but the object: two backgrounds make no difference there.
std::vector<int> covered(Scene scene, const WorldObject& object) {
  scene.background = 1;
  const auto one = drawn(scene, object);
  scene.background = 2;
  const auto other = drawn(scene, object);
  std::vector<int> mask(one.size() / 3);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = std::equal(&one[3 * i], &one[3 * i] + 3, &other[3 * i]);
  return mask;
}

std::array<float, 4> turned(Vector3 axis, double degrees) {
  const double half = degrees * std::numbers::pi / 360;
  const auto s = static_cast<float>(std::sin(half));
  return {static_cast<float>(std::cos(half)), s * axis.x, s * axis.y, s * axis.z};
}

struct Double3 {
  double x = 0, y = 0, z = 0;
};
Double3 operator+(Double3 a, Double3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Double3 operator-(Double3 a, Double3 b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
Double3 operator*(double s, Double3 a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Double3 a, Double3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Double3 cross(Double3 a, Double3 b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }
Double3 unit(Double3 a) { return (1 / std::sqrt(dot(a, a))) * a; }
Double3 wide(Vector3 v) { return {v.x, v.y, v.z}; }

/// q v q*: v + 2 w (u x v) + 2 u x (u x v), q = (w, u).
Double3 turn(const std::array<float, 4>& q, Double3 v) {
  const Double3 u{q[1], q[2], q[3]}, once = cross(u, v);
  return v + 2 * static_cast<double>(q[0]) * once + 2 * cross(u, once);
}

/// The same picture by another route, in double: a ray from the eye through each sample, cut with every triangle
/// (Moeller and Trumbore 1997), and the formula of picture.h where the nearest is hit. Backgrounds and paints are those
/// of the library.
std::vector<double> cast_rays(const Scene& scene, const WorldObject& object, int size) {
  const Mesh& mesh = shape_mesh(object.shape);
  double radius = 0;
  const auto stretched = [&](Vector3 p) {
    return Double3{static_cast<double>(p.x) * object.proportions.x, static_cast<double>(p.y) * object.proportions.y,
                   static_cast<double>(p.z) * object.proportions.z};
  };
  for (const Vector3& p : mesh.positions) radius = std::max(radius, std::sqrt(dot(stretched(p), stretched(p))));
  const double away = scene.distance / 2.6;
  const Double3 middle{scene.x * away, scene.y * away, -scene.distance};
  std::vector<Double3> places, points, normals;
  for (std::size_t i = 0; i < mesh.positions.size(); ++i) {
    places.push_back((1 / radius) * stretched(mesh.positions[i]));
    points.push_back(turn(scene.rotation, places.back()) + middle);
    const Vector3 n = mesh.normals[i];
    normals.push_back(unit(turn(scene.rotation, {static_cast<double>(n.x) / object.proportions.x,
                                                 static_cast<double>(n.y) / object.proportions.y,
                                                 static_cast<double>(n.z) / object.proportions.z})));
  }
  const double strength = std::sqrt(dot(wide(scene.light), wide(scene.light)));
  const Double3 halfway = unit((1 / strength) * wide(scene.light) + Double3{0, 0, 1});
  const Background background(static_cast<std::uint32_t>(scene.background));
  const int n = picture_samples(size);
  std::vector<double> pixels;
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      Double3 sum;
      for (int sample = 0; sample < n * n; ++sample) {
        const double x = (column + (sample % n + 0.5) / n) * 2 / size - 1,
                     y = 1 - (row + (sample / n + 0.5) / n) * 2 / size;
        const Double3 ray{x / 2.6, y / 2.6, -1};
        double nearest = INFINITY;
        Double3 light = wide(background.at(static_cast<float>((column + 0.5) * 2 / size - 1),
                                           static_cast<float>(1 - (row + 0.5) * 2 / size)));
        for (const auto& [a, b, c] : mesh.triangles) {
          const Double3 ab = points[b] - points[a], ac = points[c] - points[a], p = cross(ray, ac);
          const double determinant = dot(ab, p);
          if (determinant <= 0) continue;  // from behind
          const Double3 t = (-1) * points[a];
          const double u = dot(t, p) / determinant;
          const Double3 q = cross(t, ab);
          const double v = dot(ray, q) / determinant, distance = dot(ac, q) / determinant;
          if (u < 0 || v < 0 || u + v > 1 || distance >= nearest) continue;
          nearest = distance;
          const Double3 normal = unit((1 - u - v) * normals[a] + u * normals[b] + v * normals[c]);
          const Double3 place = (1 - u - v) * places[a] + u * places[b] + v * places[c];
          const double diffuse = scene.ambient + std::max(0.0, dot(normal, wide(scene.light)));
          const double gloss = object.gloss * strength * std::pow(std::max(0.0, dot(normal, halfway)), 32);
          light = diffuse * wide(colour_of(object.paint, {static_cast<float>(place.x), static_cast<float>(place.y),
                                                          static_cast<float>(place.z)})) +
                  Double3{gloss, gloss, gloss};
        }
        sum = sum + light;
      }
      for (const double channel : {sum.x, sum.y, sum.z}) pixels.push_back(std::sqrt(std::min(1.0, channel / (n * n))));
    }
  return pixels;
}

}  // namespace

TEST_CASE("a picture of the world is the one that rays give, for every shape") {
  // Corners are rounded to 1/256 of a sample, so about 1 of 256 samples that an edge passes (of a triangle, or of a
  // paint) takes another side; all others differ by float rounding and by normals that turn over so small a distance.
  World::Options options;
  options.spread.pose = 1;
  const World world(options);
  double sum = 0;
  std::size_t pixels = 0, off = 0;
  for (std::uint32_t object = 0; object < 2 * shape_names().size(); ++object) {
    CAPTURE(object);
    const Scene scene = scene_of(world.draw(object, 0, 0));
    const int size = object < shape_names().size() ? 20 : 50;
    if (size == 50 && object % 4 != 0) continue;
    const std::vector<double> expected = cast_rays(scene, world_object(1, object), size);
    const std::vector<float> found = drawn(scene, world_object(1, object), size);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      const double error = std::fabs(static_cast<double>(found[i]) - expected[i]);
      REQUIRE(error <= 1);  // not NaN
      sum += error;
      off += error > 0.004;  // one step of 8 bits
      ++pixels;
    }
  }
  MESSAGE("mean error ", sum / static_cast<double>(pixels), ", pixels off ", off, " of ", pixels);
  CHECK(sum / static_cast<double>(pixels) < 5e-5);
  CHECK(static_cast<double>(off) / static_cast<double>(pixels) < 0.002);
}

TEST_CASE("every shape is seen, whatever its pose, and no two look alike") {
  std::vector<std::vector<float>> rest;
  for (int shape = 0; shape < static_cast<int>(shape_names().size()); ++shape) {
    CAPTURE(shape_names()[static_cast<std::size_t>(shape)]);
    for (int pose = 0; pose < 6; ++pose) {
      CAPTURE(pose);
      Scene scene;
      scene.distance = 3.3f;
      scene.rotation = turned(normalised({1, static_cast<float>(pose) - 2, 0.5f}), 70 * pose);
      const std::vector<int> mask = covered(scene, white(shape));
      const double share =
          static_cast<double>(std::count(mask.begin(), mask.end(), 1)) / static_cast<double>(mask.size());
      CHECK(share > 0.04);
      CHECK(share < 0.65);
    }
    Scene scene;
    scene.rotation = turned(normalised({1, -1, 0}), 40);
    rest.push_back(drawn(scene, white(shape)));
  }
  for (std::size_t a = 0; a < rest.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      double difference = 0;
      for (std::size_t i = 0; i < rest[a].size(); ++i) difference += std::fabs(rest[a][i] - rest[b][i]);
      CAPTURE(shape_names()[a]);
      CAPTURE(shape_names()[b]);
      CHECK(difference / static_cast<double>(rest[a].size()) > 0.01);
    }
}

TEST_CASE("turning an object by 90 degrees around the eye's axis turns its picture") {
  Scene scene;
  scene.light = {0, 0, 1};
  for (const int shape : {shape_called("mug"), shape_called("bracket"), shape_called("cone")}) {
    const std::vector<int> upright = covered(scene, white(shape));
    Scene rolled = scene;
    rolled.rotation = turned({0, 0, 1}, 90);  // anticlockwise
    const std::vector<int> turned_mask = covered(rolled, white(shape));
    int different = 0;
    for (int row = 0; row < 32; ++row)
      for (int column = 0; column < 32; ++column)
        different += upright[static_cast<std::size_t>(row * 32 + column)] !=
                     turned_mask[static_cast<std::size_t>((31 - column) * 32 + row)];
    CHECK(different <= 6);  // pixels on edges that pass through samples
  }
}

TEST_CASE("an object is where its place and distance say") {
  const WorldObject ball = white(shape_called("sphere"));
  Scene scene;
  scene.distance = 6;
  scene.x = 0.3f;
  scene.y = -0.2f;
  const std::vector<int> mask = covered(scene, ball);
  double x = 0, y = 0, count = 0;
  for (int row = 0; row < 32; ++row)
    for (int column = 0; column < 32; ++column)
      if (mask[static_cast<std::size_t>(row * 32 + column)]) x += column, y += row, ++count;
  CHECK((x / count + 0.5) / 16 - 1 == doctest::Approx(0.3).epsilon(0.03));
  CHECK(1 - (y / count + 0.5) / 16 == doctest::Approx(-0.2).epsilon(0.05));
  // The disc's radius is 2.6 / sqrt(36 - 1) halves of the picture; the ring of half-covered pixels is not counted.
  CHECK(std::sqrt(count / std::numbers::pi) / 16 == doctest::Approx(0.4395).epsilon(0.1));
}

TEST_CASE("the side towards the light is bright; without light all is black") {
  const WorldObject ball = white(shape_called("sphere"));
  const auto side = [&](Vector3 light, int column, int row) {
    Scene scene;
    scene.light = light;
    scene.ambient = 0;
    return drawn(scene, ball)[static_cast<std::size_t>(row * 32 + column) * 3];
  };
  CHECK(side({-1, 0, 0}, 7, 16) > 0.8f);
  CHECK(side({-1, 0, 0}, 24, 16) == 0);
  CHECK(side({1, 0, 0}, 24, 16) > 0.8f);
  CHECK(side({0, 1, 0}, 16, 7) > 0.8f);
  CHECK(side({0, 1, 0}, 16, 24) == 0);
  CHECK(side({0, 0, 0.25f}, 16, 16) == doctest::Approx(0.5).epsilon(0.02));  // the square root of 1/4
  CHECK(side({0, 0, 0}, 16, 16) == 0);
}

TEST_CASE("pictures of the world have the same bits on every thread, and always the same") {
  World::Options options;
  options.size = 24;
  const World world(options);
  constexpr std::size_t count = 64;
  const std::size_t values = world.view_shape().values();
  std::vector<float> serial(count * values), parallel(count * values);
  const auto render = [&](std::size_t i, std::vector<float>& to) {
    world.render(world.draw(static_cast<std::uint32_t>(i), i, 1), to.data() + i * values);
  };
  for (std::size_t i = 0; i < count; ++i) render(i, serial);
  ThreadPool(4).run(count, [&](std::size_t i) { render(i, parallel); });
  CHECK(std::memcmp(serial.data(), parallel.data(), serial.size() * sizeof(float)) == 0);
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a of the bits
  for (const float value : serial) {
    REQUIRE((value >= 0 && value <= 1));
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    hash = (hash ^ bits) * 1099511628211u;
  }
  CHECK(hash == 7407551563339522143u);
}

}  // namespace saccade
