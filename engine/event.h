#pragma once
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "engine/time.h"
#include "engine/view_recipe.h"

namespace saccade {

/// Pixels of one view, [height][width][channels], float in [0, 1] unless the kind standardises them.
using Pixels = std::vector<float>;

/// One view of an object arrives at the retina.
struct View {
  Time time = 0;
  std::uint64_t fixation = 0;  ///< 0-based number of the fixation; for records, the learner does not read it
  std::uint32_t index = 0;     ///< 0-based number of the view in its fixation; for records
  ViewRecipe recipe;
  std::shared_ptr<const Pixels> pixels;  ///< null: the learner's device renders the view
  std::uint32_t stream = 0;              ///< which of several streams side by side; times and fixations are its own
};

/// The eye leaves the object. The learner is told that a saccade happened (efference copy), never what is seen next.
struct Saccade {
  Time time = 0;
  std::uint64_t fixation = 0;  ///< the fixation that ends; for records
  std::uint32_t stream = 0;    ///< the fixation's
};

using Event = std::variant<Saccade, View>;

}  // namespace saccade
