#include "streams/pair_batches.h"

#include <fmt/format.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {

PairBatches::PairBatches(const ImageSet& images, const Options& options) : images_(images), options_(options) {
  if (options.batch < 1 || images.size() < static_cast<std::size_t>(options.batch))
    throw InputError(fmt::format("batch = {}, but {} has {} images to learn from; expected a batch of 1 to {}",
                                 options.batch, images.name, images.size(), images.size()));
  check_kind(images, options.kind);
}

void PairBatches::render(std::uint64_t batch, bool both, std::vector<float>& a, std::vector<float>& b,
                         std::vector<std::int32_t>& labels) const {
  const std::uint64_t epoch = batch / per_epoch();
  const auto first = static_cast<std::uint32_t>(batch % per_epoch()) * static_cast<std::uint32_t>(options_.batch);
  const auto pairs = static_cast<std::size_t>(options_.batch);
  const std::size_t pixels = view_shape(options_.kind, images_).values();
  a.resize(both ? pairs * pixels : 0);
  b.resize(pairs * pixels);
  labels.assign(images_.labels.empty() ? 0 : pairs, 0);
  tbb::task_arena arena(options_.threads);
  arena.execute([&] {
    tbb::parallel_for(std::size_t{0}, pairs, [&](std::size_t i) {
      const std::uint32_t image =
          permuted(options_.seed, Purpose::object_order, epoch, first + static_cast<std::uint32_t>(i),
                   static_cast<std::uint32_t>(images_.size()));
      const auto draw = [&](std::uint32_t view) {
        return draw_recipe(options_.kind, options_.seed, image, epoch, view, Purpose::view_recipe, for_images(images_));
      };
      if (both) saccade::render(images_, draw(0), a.data() + i * pixels);
      saccade::render(images_, draw(1), b.data() + i * pixels);
      if (!images_.labels.empty()) labels[i] = images_.labels[image];
    });
  });
}

}  // namespace saccade
