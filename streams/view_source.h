#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "engine/view_recipe.h"
#include "streams/views.h"

namespace saccade {

/// Objects that can be looked at, and how a view of one is made: what a stream of fixations, or a batch of pairs,
/// shows. Everything is a function of the arguments and of what the source was made with: any order, any thread.
class ViewSource {
 public:
  virtual ~ViewSource() = default;

  /// For messages: the data set's name.
  virtual const std::string& name() const = 0;
  /// Objects; at least one.
  virtual std::uint32_t size() const = 0;
  /// The class of each object, [size()]; empty where there are none. Never shown to a learner without supervision.
  virtual std::span<const std::int32_t> labels() const = 0;
  /// Of all that its views are made from: recipes recorded from one source are rendered by an equal one alone.
  virtual std::string hash() const = 0;
  virtual ViewShape view_shape() const = 0;
  /// The recipe of view `view` of a fixation that shows this object.
  virtual ViewRecipe draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const = 0;
  /// InputError for a recipe, perhaps from a file, that is not one of this source's.
  virtual void check(const ViewRecipe& recipe) const = 0;
  /// Renders [height][width][channels] floats; the same bits from the same recipe. InputError as check().
  virtual void render(const ViewRecipe& recipe, float* out) const = 0;
};

}  // namespace saccade
