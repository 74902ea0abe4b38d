#include "streams/world/picture.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "streams/world/background.h"
#include "streams/world/shapes.h"

namespace saccade {
namespace {

constexpr int subsample = 256;  ///< steps of a corner's place between two samples

struct Rotation {
  Vector3 columns[3];
  explicit Rotation(const std::array<float, 4>& q) {
    const float w = q[0], x = q[1], y = q[2], z = q[3];
    columns[0] = {1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)};
    columns[1] = {2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)};
    columns[2] = {2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)};
  }
  Vector3 operator()(Vector3 v) const { return v.x * columns[0] + v.y * columns[1] + v.z * columns[2]; }
};

/// A vertex in the picture. What is blended over a triangle is divided by the depth (perspective).
struct Corner {
  std::int64_t x, y;  ///< 1 / subsample of a sample, right and down
  float inverse_depth;
  Vector3 normal, place;  ///< eye's frame, object's frame; times inverse_depth
};

struct Sample {
  float inverse_depth;
  Vector3 light;
};

/// What a thread keeps, so that a picture allocates nothing.
struct Canvas {
  std::vector<Sample> samples;  ///< [side][side]; inverse_depth 0: nothing there
  std::vector<Corner> corners;
};

class Surface {
 public:
  Surface(const Scene& scene, const WorldObject& object)
      : paint_(object.paint), light_(scene.light), ambient_(scene.ambient), highlight_(object.gloss * length(light_)) {
    const float strength = length(light_);
    const Vector3 half = (strength > 0 ? 1 / strength : 0) * light_ + Vector3{0, 0, 1};
    halfway_ = length(half) > 0 ? normalised(half) : half;
  }

  Vector3 light(Vector3 normal, Vector3 place) const {
    const float diffuse = ambient_ + std::max(0.0f, dot(normal, light_));
    float highlight = std::max(0.0f, dot(normal, halfway_));
    for (int i = 0; i < 5; ++i) highlight *= highlight;
    highlight *= highlight_;
    return diffuse * colour_of(paint_, place) + Vector3{highlight, highlight, highlight};
  }

 private:
  const Paint& paint_;
  Vector3 light_, halfway_;
  float ambient_, highlight_;
};

void project(const Scene& scene, const WorldObject& object, int side, std::vector<Corner>& corners) {
  const Mesh& mesh = shape_mesh(object.shape);
  float radius = 0;
  for (const Vector3& p : mesh.positions) radius = std::max(radius, length(scaled(p, object.proportions)));
  const Vector3 size = (1 / radius) * object.proportions, slant{1 / size.x, 1 / size.y, 1 / size.z};
  const Rotation rotate(scene.rotation);
  const float away = scene.distance / focal_length;
  const Vector3 middle{scene.x * away, scene.y * away, -scene.distance};
  const float half = 0.5f * static_cast<float>(side * subsample);
  corners.resize(mesh.positions.size());
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const Vector3 place = scaled(mesh.positions[i], size), at = rotate(place) + middle;
    const float inverse = -1 / at.z, scale = focal_length * inverse;
    const Vector3 normal = normalised(rotate(scaled(mesh.normals[i], slant)));
    corners[i] = {static_cast<std::int64_t>(std::floor(half * (1 + scale * at.x) + 0.5f)),
                  static_cast<std::int64_t>(std::floor(half * (1 - scale * at.y) + 0.5f)), inverse, inverse * normal,
                  inverse * place};
  }
}

/// Twice the area of a, b, c, positive when they run anticlockwise as seen in the picture, whose y points down.
std::int64_t area(const Corner& a, const Corner& b, std::int64_t x, std::int64_t y) {
  return (b.y - a.y) * (x - a.x) - (b.x - a.x) * (y - a.y);
}

void fill(const Corner& a, const Corner& b, const Corner& c, const Surface& surface, int side,
          std::vector<Sample>& samples) {
  const std::int64_t whole = area(a, b, c.x, c.y);
  if (whole <= 0) return;  // seen from behind, or on edge
  // Samples lie in the middle of their squares; those between the corners, and at them.
  const auto first = [](std::int64_t x) {
    return static_cast<int>(std::max<std::int64_t>(0, (x + subsample / 2 - 1) / subsample));
  };
  const auto last = [&](std::int64_t x) {
    return x < subsample / 2 ? -1 : static_cast<int>(std::min<std::int64_t>(side - 1, (x - subsample / 2) / subsample));
  };
  const int left = first(std::min({a.x, b.x, c.x})), right = last(std::max({a.x, b.x, c.x}));
  const int top = first(std::min({a.y, b.y, c.y})), bottom = last(std::max({a.y, b.y, c.y}));
  const float scale = 1 / static_cast<float>(whole);
  for (int row = top; row <= bottom; ++row) {
    const std::int64_t x = left * subsample + subsample / 2, y = row * subsample + subsample / 2;
    std::int64_t of_a = area(b, c, x, y), of_b = area(c, a, x, y), of_c = area(a, b, x, y);
    Sample* sample = samples.data() + static_cast<std::size_t>(row) * side + left;
    for (int column = left; column <= right; ++column, ++sample) {
      if ((of_a | of_b | of_c) >= 0) {
        const float wa = scale * static_cast<float>(of_a), wb = scale * static_cast<float>(of_b),
                    wc = scale * static_cast<float>(of_c);
        const float inverse = wa * a.inverse_depth + wb * b.inverse_depth + wc * c.inverse_depth;
        if (inverse > sample->inverse_depth) {
          const Vector3 normal = normalised(wa * a.normal + wb * b.normal + wc * c.normal);
          const Vector3 place = (1 / inverse) * (wa * a.place + wb * b.place + wc * c.place);
          *sample = {inverse, surface.light(normal, place)};
        }
      }
      of_a += (c.y - b.y) * subsample;
      of_b += (a.y - c.y) * subsample;
      of_c += (b.y - a.y) * subsample;
    }
  }
}

}  // namespace

void draw_picture(const Scene& scene, const WorldObject& object, int size, float* out) {
  thread_local Canvas canvas;
  const int per_pixel = picture_samples(size), side = size * per_pixel;
  canvas.samples.assign(static_cast<std::size_t>(side) * side, Sample{});
  project(scene, object, side, canvas.corners);
  const Surface surface(scene, object);
  for (const auto& [a, b, c] : shape_mesh(object.shape).triangles)
    fill(canvas.corners[a], canvas.corners[b], canvas.corners[c], surface, side, canvas.samples);

  const Background background(static_cast<std::uint32_t>(scene.background));
  const float share = 1 / static_cast<float>(per_pixel * per_pixel), step = 2 / static_cast<float>(size);
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      Vector3 sum;
      int empty = 0;
      for (int y = 0; y < per_pixel; ++y)
        for (int x = 0; x < per_pixel; ++x) {
          const Sample& sample =
              canvas.samples[static_cast<std::size_t>(row * per_pixel + y) * side + column * per_pixel + x];
          if (sample.inverse_depth > 0)
            sum = sum + sample.light;
          else
            ++empty;
        }
      if (empty > 0)
        sum = sum + static_cast<float>(empty) * background.at((static_cast<float>(column) + 0.5f) * step - 1,
                                                              1 - (static_cast<float>(row) + 0.5f) * step);
      for (const float light : {sum.x, sum.y, sum.z}) *out++ = std::sqrt(std::min(1.0f, share * light));
    }
}

}  // namespace saccade
