#include "streams/pair_batches.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {

PairBatches::PairBatches(std::shared_ptr<const ViewSource> source, const Options& options)
    : source_(std::move(source)), options_(options), pool_(options.threads) {
  if (options.batch < 1 || source_->size() < static_cast<std::uint32_t>(options.batch))
    throw InputError(fmt::format("batch = {}, but {} has {} images to learn from; expected a batch of 1 to {}",
                                 options.batch, source_->name(), source_->size(), source_->size()));
}

template <class F>
void PairBatches::for_each_pair(std::uint64_t batch, std::vector<std::int32_t>& labels, const F& f) const {
  const std::uint64_t epoch = batch / per_epoch();
  const auto first = static_cast<std::uint32_t>(batch % per_epoch()) * static_cast<std::uint32_t>(options_.batch);
  const auto pairs = static_cast<std::size_t>(options_.batch);
  const std::span<const std::int32_t> all_labels = source_->labels();
  labels.assign(all_labels.empty() ? 0 : pairs, 0);
  pool_.run(pairs, [&](std::size_t i) {
    const std::uint32_t place = first + static_cast<std::uint32_t>(i);
    const std::uint32_t object = permuted(options_.seed, Purpose::object_order, epoch, place, source_->size());
    const std::uint64_t fixation = epoch * source_->size() + place;
    if (!all_labels.empty()) labels[i] = all_labels[object];
    f(i, [&](std::uint32_t view) { return source_->draw(object, fixation, view); });
  });
}

void PairBatches::render(std::uint64_t batch, bool both, std::vector<float>& a, std::vector<float>& b,
                         std::vector<std::int32_t>& labels) const {
  const auto pairs = static_cast<std::size_t>(options_.batch);
  const std::size_t pixels = source_->view_shape().values();
  a.resize(both ? pairs * pixels : 0);
  b.resize(pairs * pixels);
  for_each_pair(batch, labels, [&](std::size_t i, const auto& recipe) {
    if (both) source_->render(recipe(0), a.data() + i * pixels);
    source_->render(recipe(1), b.data() + i * pixels);
  });
}

void PairBatches::draw(std::uint64_t batch, bool both, std::vector<ViewRecipe>& a, std::vector<ViewRecipe>& b,
                       std::vector<std::int32_t>& labels) const {
  const auto pairs = static_cast<std::size_t>(options_.batch);
  a.resize(both ? pairs : 0);
  b.resize(pairs);
  for_each_pair(batch, labels, [&](std::size_t i, const auto& recipe) {
    if (both) a[i] = recipe(0);
    b[i] = recipe(1);
  });
}

}  // namespace saccade
