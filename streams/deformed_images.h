#pragma once
#include "streams/check_view.h"
#include "streams/image_set.h"
#include "streams/view_source.h"

namespace saccade {

/// Images of a data set, each view deformed on its own: draw_recipe() with presentation = the fixation.
class DeformedImages : public ViewSource {
 public:
  /// The images must outlive it and stay as they are. InputError for no images, or images that do not suit the kind.
  DeformedImages(const ImageSet& images, ViewKind kind, std::uint64_t seed);

  const std::string& name() const override { return images_.name; }
  std::uint32_t size() const override { return static_cast<std::uint32_t>(images_.size()); }
  std::span<const std::int32_t> labels() const override { return images_.labels; }
  std::string hash() const override { return content_hash(images_); }
  ViewShape view_shape() const override { return saccade::view_shape(kind_, images_); }
  ViewRecipe draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const override;
  void check(const ViewRecipe& recipe) const override { check_recipe(images_, recipe); }
  void render(const ViewRecipe& recipe, float* out) const override { saccade::render(images_, recipe, out); }

 protected:
  const ImageSet& images_;
  const ViewKind kind_;
  const std::uint64_t seed_;
};

}  // namespace saccade
