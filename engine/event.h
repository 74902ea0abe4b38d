#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "engine/time.h"

namespace saccade {

/// How a view is rendered from its source image. Values are stored in files: append, never renumber.
enum class ViewKind : std::uint8_t {
  plain = 0,
  affine_hsv = 1,
  affine = 2,
  rotate_scale_shift = 3,
  crop_jitter = 4,
  centre_crop = 5,
  random_crop_flip = 6,
  grey_crop = 7
};

/// Everything needed to render a view again: the source image's index in its data set, the kind of deformation and its
/// parameters (their meaning belongs to the kind, see streams/views.h).
struct ViewRecipe {
  ViewKind kind = ViewKind::plain;
  std::uint32_t source = 0;
  std::array<float, 12> parameters{};
};

/// Pixels of one view, [height][width][channels], float in [0, 1] unless the kind standardises them.
using Pixels = std::vector<float>;

/// One view of an object arrives at the retina.
struct View {
  Time time = 0;
  std::uint64_t fixation = 0;  ///< 0-based number of the fixation; for records, the learner does not read it
  std::uint32_t index = 0;     ///< 0-based number of the view in its fixation; for records
  ViewRecipe recipe;
  std::shared_ptr<const Pixels> pixels;  ///< never null when it reaches the learner
};

/// The eye leaves the object. The learner is told that a saccade happened (efference copy), never what is seen next.
struct Saccade {
  Time time = 0;
  std::uint64_t fixation = 0;  ///< the fixation that ends; for records
};

using Event = std::variant<Saccade, View>;

}  // namespace saccade
