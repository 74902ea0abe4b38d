#include "streams/shuffled_positives.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {

ShuffledPositives::ShuffledPositives(std::shared_ptr<const ViewSource> source, std::uint64_t seed)
    : source_(std::move(source)), seed_(seed) {
  if (source_->size() < 2)
    throw InputError(fmt::format("stream of {}: shuffled positives need two objects, there is {}", source_->name(),
                                 source_->size()));
}

ViewRecipe ShuffledPositives::draw(std::uint32_t object, std::uint64_t fixation, std::uint32_t view) const {
  if (view == 0) return source_->draw(object, fixation, view);
  const std::uint32_t step = 1 + Random(seed_, Purpose::shuffled_positive, view, fixation).below(0, size() - 1);
  const auto other = static_cast<std::uint32_t>((std::uint64_t{object} + step) % size());
  return source_->draw(other, fixation, view);
}

}  // namespace saccade
