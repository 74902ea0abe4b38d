#include "streams/pair_batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/random.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"

namespace saccade {
namespace {

/// 23 grey images of 5x7 pixels, each of its own constant brightness; the label is the image's number.
ImageSet numbered_images() {
  ImageSet images{"numbers", 5, 7, 1, {}, {}, {}};
  for (int i = 0; i < 23; ++i) {
    images.classes.push_back(std::to_string(i));
    images.labels.push_back(i);
    images.pixels.insert(images.pixels.end(), 35, static_cast<std::uint8_t>(i * 10));
  }
  return images;
}

PairBatches batches_of(const ImageSet& images, ViewKind kind, const PairBatches::Options& options) {
  return {std::make_shared<DeformedImages>(images, kind, options.seed), options};
}

struct Batch {
  std::vector<float> a, b;
  std::vector<std::int32_t> labels;
  friend bool operator==(const Batch&, const Batch&) = default;
};

Batch render(const PairBatches& batches, std::uint64_t number, bool both = true) {
  Batch batch;
  batches.render(number, both, batch.a, batch.b, batch.labels);
  return batch;
}

}  // namespace

TEST_CASE("an epoch shows floor(images / batch) batches, no image twice, in an order of its own") {
  const ImageSet images = numbered_images();
  const PairBatches batches = batches_of(images, ViewKind::plain, {3, 5, 1});
  REQUIRE(batches.per_epoch() == 4);
  std::vector<std::vector<std::int32_t>> orders;
  std::set<std::int32_t> ever;
  for (std::uint64_t epoch = 0; epoch < 6; ++epoch) {
    std::vector<std::int32_t> order;
    for (std::uint64_t i = 0; i < 4; ++i) {
      const Batch batch = render(batches, epoch * 4 + i);
      REQUIRE(batch.labels.size() == 5);
      for (std::size_t pair = 0; pair < 5; ++pair) {
        order.push_back(batch.labels[pair]);
        CHECK(batch.b[pair * 35] == byte_scale * static_cast<float>(10 * batch.labels[pair]));
        CHECK(batch.a[pair * 35] == batch.b[pair * 35]);  // plain views of one image
      }
    }
    ever.insert(order.begin(), order.end());
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    CHECK(std::unique(order.begin(), order.end()) == order.end());
  }
  for (std::size_t i = 1; i < orders.size(); ++i) CHECK(orders[i] != orders[0]);
  CHECK(ever.size() == 23);  // what an epoch leaves over comes in another
}

TEST_CASE("the two views of a pair are those of a fixation that is counted over all epochs") {
  const ImageSet images = numbered_images();
  const PairBatches batches = batches_of(images, ViewKind::affine, {9, 5, 1});
  const std::uint64_t number = 6;  // the third batch of epoch 1
  const Batch batch = render(batches, number);
  std::vector<float> expected(35);
  for (std::size_t pair = 0; pair < 5; ++pair) {
    const std::uint32_t image = permuted(9, Purpose::object_order, 1, static_cast<std::uint32_t>(10 + pair), 23);
    CHECK(batch.labels[pair] == static_cast<std::int32_t>(image));
    for (const std::uint32_t view : {0u, 1u}) {
      const std::uint64_t fixation = 23 + 10 + pair;
      saccade::render(images, draw_recipe(ViewKind::affine, 9, image, fixation, view), expected.data());
      const std::vector<float>& all = view == 0 ? batch.a : batch.b;
      CHECK(std::equal(expected.begin(), expected.end(), all.begin() + static_cast<std::ptrdiff_t>(pair) * 35));
    }
  }
  const Batch later = render(batches, number, false);
  CHECK(later.a.empty());
  CHECK(later.b == batch.b);
}

TEST_CASE("where batches fill an epoch, a stream of the same seed shows the same views in the same order") {
  ImageSet images = numbered_images();
  images.labels.resize(20), images.pixels.resize(20 * 35);
  const PairBatches batches = batches_of(images, ViewKind::affine, {9, 5, 1});
  StreamOptions options;
  options.seed = 9;
  FixationStream stream(std::make_shared<DeformedImages>(images, ViewKind::affine, 9), options);
  std::vector<ViewRecipe> a, b;
  std::vector<std::int32_t> labels;
  for (std::uint64_t batch = 0; batch < 9; ++batch) {  // two epochs and a batch
    batches.draw(batch, true, a, b, labels);
    for (std::size_t pair = 0; pair < 5; ++pair) {
      for (const ViewRecipe& want : {a[pair], b[pair]}) {
        const ViewRecipe shown = std::get<View>(stream.next()->event).recipe;
        CHECK(shown.source == want.source);
        CHECK(shown.parameters == want.parameters);
      }
      CHECK(std::holds_alternative<Saccade>(stream.next()->event));
    }
  }
}

TEST_CASE("recipes of a batch are those that it is rendered from, for any number of threads") {
  const ImageSet images = numbered_images();
  for (const int threads : {1, 5}) {
    const PairBatches batches = batches_of(images, ViewKind::affine, {2, 11, threads});
    std::vector<ViewRecipe> a, b;
    std::vector<std::int32_t> labels;
    batches.draw(3, true, a, b, labels);
    Batch batch{std::vector<float>(a.size() * 35), std::vector<float>(b.size() * 35), labels};
    for (std::size_t pair = 0; pair < b.size(); ++pair) {
      saccade::render(images, a.at(pair), batch.a.data() + pair * 35);
      saccade::render(images, b[pair], batch.b.data() + pair * 35);
    }
    CHECK(batch == render(batches, 3));
    batches.draw(3, false, a, b, labels);
    CHECK(a.empty());
    CHECK(b.size() == 11);
  }
}

TEST_CASE("the same batch from any number of threads") {
  const ImageSet images = numbered_images();
  const Batch expected = render(batches_of(images, ViewKind::affine, {2, 23, 1}), 3);
  for (int threads : {2, 5}) CHECK(render(batches_of(images, ViewKind::affine, {2, 23, threads}), 3) == expected);
  CHECK_FALSE(render(batches_of(images, ViewKind::affine, {4, 23, 1}), 3) == expected);
}

TEST_CASE("batches that cannot be made are refused") {
  const ImageSet images = numbered_images();
  CHECK_THROWS_WITH_AS(batches_of(images, ViewKind::affine, {1, 24, 1}),
                       "batch = 24, but numbers has 23 images to learn from; expected a batch of 1 to 23", InputError);
  CHECK_THROWS_AS(batches_of(images, ViewKind::affine, {1, 0, 1}), InputError);
  CHECK_THROWS_AS(batches_of(images, ViewKind::affine_hsv, {1, 5, 1}), InputError);
}

}  // namespace saccade
