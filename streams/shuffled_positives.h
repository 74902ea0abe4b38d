#pragma once
#include <memory>

#include "streams/view_source.h"

namespace saccade {

/// A control for learning from successive views: the first view of a fixation shows its object, every later one some
/// other object, drawn uniformly for each view from all others. Everything else is as in `source`, anchors bit for bit,
/// so what is learned here is learned from the images' statistics alone, not from what belongs together.
class ShuffledPositives final : public ViewSource {
 public:
  /// InputError when there is no other object.
  ShuffledPositives(std::shared_ptr<const ViewSource> source, std::uint64_t seed);

  const std::string& name() const override { return source_->name(); }
  std::uint32_t size() const override { return source_->size(); }
  std::span<const std::int32_t> labels() const override { return source_->labels(); }
  std::string hash() const override { return source_->hash(); }
  ViewShape view_shape() const override { return source_->view_shape(); }
  ViewRecipe draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const override;
  void check(const ViewRecipe& recipe) const override { source_->check(recipe); }
  void render(const ViewRecipe& recipe, float* out) const override { source_->render(recipe, out); }

 private:
  std::shared_ptr<const ViewSource> source_;
  std::uint64_t seed_;
};

}  // namespace saccade
