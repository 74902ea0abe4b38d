#pragma once
#include <vector>

#include "streams/ornstein_uhlenbeck.h"
#include "streams/view_source.h"
#include "streams/world/scene.h"
#include "streams/world/world_object.h"

namespace saccade {

/// How far scenes differ. All numbers n are standard normal and independent; in a trajectory each follows a path of its
/// own (Ornstein-Uhlenbeck), so that scenes move continuously and are at every time distributed as single views are.
///   rotation: (r + pose n) / |r + pose n| as a quaternion, n in R^4, r the rest pose, seen from above and aside;
///             pose = infinity: n / |n|, any rotation, all equally likely (Marsaglia 1972)
///   distance: 3.3 * 2^(0.25 place n), the exponent within -0.7 .. 2
///   x, y:     0.15 place n each, clamped to +-1
///   light:    (l + light n) / |l + light n| 0.9 * 2^(0.3 light n), n in R^3 and R, l from above, left and before,
///             the exponent within +-1.5
///   ambient:  0.3 * 2^(0.5 light n), the exponent within -4 .. 1.7
/// The background is one of 2^24, drawn for each view, in a trajectory for each fixation.
struct SceneSpread {
  double pose = 0.3;
  double place = 1;
  double light = 0.6;
};

/// The built-in world: solid objects of 16 shapes, painted and lit, turned and moved by known amounts; nothing is read.
/// Objects with the same number mod 16 have the same shape, which is their class.
class World final : public ViewSource {
 public:
  struct Options {
    int size = 32;                   ///< height and width of a view, 16 .. 128
    std::uint32_t objects = 16'000;  ///< 1 .. 2^24
    std::uint32_t first = 0;         ///< number of the first object; those of another range are other objects
    std::uint32_t paints = 0;        ///< different paints; 0: one for each object
    std::uint64_t seed = 1;          ///< of the objects
    SceneSpread spread;
    /// Views of a fixation follow paths; else each scene is drawn alone.
    bool trajectory = false;
    double step = 0.15;        ///< seconds between views
    double pose_time = 3;      ///< seconds: time constant of rotation, distance and place
    double light_time = 3;     ///< seconds: of the light
    std::uint64_t scenes = 1;  ///< seed of the scenes
  };

  static constexpr std::uint32_t most_objects = 1u << 24;

  /// InputError for options out of range.
  explicit World(const Options& options);

  const std::string& name() const override;
  std::uint32_t size() const override { return options_.objects; }
  std::span<const std::int32_t> labels() const override { return labels_; }
  std::string hash() const override;
  ViewShape view_shape() const override { return {options_.size, options_.size, 3}; }
  /// `object` counts from `first`; the recipe's source is the object's number. In a trajectory a view costs a walk from
  /// the fixation's first, about 0.6 us a view before this one. `view` is at most 2^26 - 1.
  ViewRecipe draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const override;
  void check(const ViewRecipe& recipe) const override { (void)checked_scene(recipe); }
  void render(const ViewRecipe& recipe, float* out) const override;

 private:
  Scene checked_scene(const ViewRecipe& recipe) const;

  Options options_;
  OrnsteinUhlenbeck pose_, light_;
  std::vector<std::int32_t> labels_;
};

/// What is known of a view: the factors that a probe can look for.
struct WorldFactors {
  std::uint32_t object = 0;
  std::int32_t label = 0;  ///< of shape_names()
  Scene scene;
};
/// InputError for a recipe of another kind, or out of range.
WorldFactors world_factors(const ViewRecipe& recipe);
/// The names and the values, with commas between them.
std::string factors_header();
std::string factors_row(const WorldFactors& factors);

}  // namespace saccade
