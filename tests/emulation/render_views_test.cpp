/// Views rendered by the CUDA device, against the streams'; and learners that are shown them so.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "models/batch_learner.h"
#include "streams/deformed_images.h"
#include "streams/pair_batches.h"
#include "tests/models/runs.h"
#include "tests/reference/devices.h"  // brings the CUDA device
#include "tests/streams/view_helpers.h"

namespace saccade::test {
namespace {

using Kind = reference::ThreadOrder::Kind;

using reference::cuda;

template <class Body>
void in_every_order(const Body& body) {
  for (const Kind kind : {Kind::ascending, Kind::descending, Kind::random}) {
    CAPTURE(static_cast<int>(kind));
    reference::set_thread_order({kind, 7});
    body();
  }
  reference::set_thread_order({});
}

/// As drawn, and with what a file may hold besides: shifts far beyond the border, entries at their limits, the ends of
/// saturation and hue, flips of every kind.
std::vector<ViewRecipe> many_recipes(const ImageSet& images) {
  std::vector<ViewRecipe> recipes;
  ref::Draw draw(3);
  const auto pick = [&](std::initializer_list<float> values) {
    return *(values.begin() + draw.below(static_cast<int>(values.size())));
  };
  for (const ViewKind kind : {ViewKind::plain, ViewKind::affine_hsv, ViewKind::affine, ViewKind::rotate_scale_shift}) {
    if (kind == ViewKind::affine_hsv && images.channels == 1) continue;
    for (std::uint32_t i = 0; i < 10; ++i) {
      ViewRecipe recipe = draw_recipe(kind, 1, i % static_cast<std::uint32_t>(images.size()), i, 0);
      recipes.push_back(recipe);
      auto& p = recipe.parameters;
      if (kind != ViewKind::plain) {
        p[recipe::warp_matrix + 2] += pick({0.0f, -1.9f, 2.1f});
        p[recipe::warp_matrix + 5] += pick({0.0f, 0.7f, -2.0f});
        if (i == 9) p[recipe::warp_matrix + i % 6] = pick({1e6f, -1e6f});
      }
      p[recipe::flip] = pick({0.0f, 1.0f});  // of a plain view it means nothing
      if (kind == ViewKind::affine_hsv) {
        p[recipe::saturation] = pick({0.0f, 1.0f, 4.0f});
        p[recipe::hue] = pick({-0.5f, 0.0f, 0.5f});
      }
      recipes.push_back(recipe);
    }
  }
  return recipes;
}

/// [replicas][views] maps of the device, of which all is sentinel but what was rendered.
std::vector<float> maps_of(const ImageSet& images, const MapShape& shape, int replicas,
                           const std::vector<ViewRecipe>& recipes) {
  const DeviceImages table(cuda(), images.height, images.width, images.channels, images.pixels);
  const int views = static_cast<int>(recipes.size());
  const DeviceBuffer<float> maps(cuda(), shape.size(), replicas, views);
  maps.write(std::vector<float>(maps.elements(), -7.0f));
  cuda().render_views({shape, {replicas, views}, table.bytes(), table.count(), recipes.data(), maps.strided()});
  return maps.read();
}

std::vector<float> expected_maps(const ImageSet& images, const MapShape& shape, int replicas,
                                 const std::vector<ViewRecipe>& recipes) {
  std::vector<float> all;
  for (int replica = 0; replica < replicas; ++replica)
    for (const ViewRecipe& recipe : recipes) {
      const Pixels pixels = rendered(images, recipe);
      std::vector<float> map(shape.size(), -7.0f);
      const float* from = pixels.data();
      for (int row = 0; row < shape.height; ++row)
        for (int column = 0; column < shape.width; ++column)
          for (int c = 0; c < shape.channels; ++c)
            map[static_cast<std::size_t>(shape.offset(row, column) + c)] = *from++;
      all.insert(all.end(), map.begin(), map.end());
    }
  return all;
}

}  // namespace

// The device takes the formulas from where the streams take them, in float without fused multiply-adds: no limit but
// equality.
TEST_CASE("render_views: the streams' bits, for all kinds, sizes and replicas, in every order of threads") {
  for (const Shape& size :
       {Shape{1, 1, 1}, {1, 1, 3}, {1, 9, 3}, {11, 9, 3}, {7, 1, 1}, {16, 17, 3}, {28, 28, 1}, {32, 32, 3}}) {
    CAPTURE(size.height);
    CAPTURE(size.width);
    CAPTURE(size.channels);
    const ImageSet images = noise_images(size.height, size.width, size.channels);
    const std::vector<ViewRecipe> recipes = many_recipes(images);
    for (const MapShape& shape : {MapShape::image(size.height, size.width, size.channels),
                                  MapShape::layer(size.height, size.width, size.channels)}) {
      const int replicas = shape.lanes == size.channels ? 1 : 2;
      const std::vector<float> expected = expected_maps(images, shape, replicas, recipes);
      in_every_order([&] {
        const std::vector<float> found = maps_of(images, shape, replicas, recipes);
        REQUIRE(found.size() == expected.size());
        std::size_t different = 0;
        for (std::size_t i = 0; i < found.size(); ++i)
          different += !std::isfinite(found[i]) || std::memcmp(&found[i], &expected[i], sizeof(float)) != 0;
        CHECK(different == 0);
      });
    }
  }
}

TEST_CASE("render_views: nothing for no views, and the comparison sees another recipe") {
  const ImageSet images = noise_images(5, 6, 3);
  const MapShape shape = MapShape::image(5, 6, 3);
  ViewRecipe recipe = draw_recipe(ViewKind::affine_hsv, 1, 2, 0, 0);
  const std::vector<float> map = maps_of(images, shape, 1, {recipe});
  recipe.parameters[recipe::saturation] *= 1.001f;
  CHECK(expected_maps(images, shape, 1, {recipe}) != map);
  const DeviceBuffer<float> untouched(cuda(), shape.size());
  const DeviceImages table(cuda(), 5, 6, 3, images.pixels);
  cuda().render_views({shape, {1, 0}, table.bytes(), table.count(), &recipe, untouched.strided()});
  CHECK(untouched.read() == std::vector<float>(shape.size(), 0.0f));
}

TEST_CASE("validation: render_views") {
  const ImageSet images = noise_images(4, 5, 3);
  const DeviceImages table(cuda(), 4, 5, 3, images.pixels);
  const DeviceBuffer<float> maps(cuda(), MapShape::layer(4, 5, 3).size(), 2, 3);
  static std::vector<ViewRecipe> recipes, others;
  for (std::uint32_t v = 0; v < 3; ++v) recipes.push_back(draw_recipe(ViewKind::affine_hsv, 1, v, 0, 0));
  using R = RenderViews;
  const R good{MapShape::image(4, 5, 3), {2, 3}, table.bytes(), table.count(), recipes.data(), maps.strided()};
  CHECK_NOTHROW(cuda().render_views(good));
  const std::vector<std::function<void(R&)>> mistakes = {
      [](R& o) { o.shape.height = 0; },
      [](R& o) { o.shape.lanes = 2; },
      [](R& o) { o.shape.channels = 2; },
      [](R& o) { o.shape = MapShape::image(4, 5, 1); },  // no colours to change
      [](R& o) { o.extent.replicas = 0; },
      [](R& o) { o.extent.views = -1; },
      [](R& o) { o.images = nullptr; },
      [](R& o) { o.count = 2; },  // the third view's image is not among them
      [](R& o) { o.recipes = nullptr; },
      [](R& o) { o.output = {}; },
      [](R& o) {
        others = recipes;
        others[2].kind = ViewKind::crop_jitter;
        o.recipes = others.data();
      },
      [](R& o) {
        others = recipes;
        others[1].kind = static_cast<ViewKind>(200);
        o.recipes = others.data();
      }};
  for (std::size_t i = 0; i < mistakes.size(); ++i) {
    CAPTURE(i);
    R bad = good;
    mistakes[i](bad);
    CHECK_THROWS_AS(cuda().render_views(bad), std::invalid_argument);
  }
  CHECK_THROWS_AS(DeviceImages(cuda(), 4, 5, 3, {images.pixels.data(), 61}), std::invalid_argument);
}

TEST_CASE("a data set larger than what is staged at a time reaches the device whole") {
  std::vector<std::uint8_t> bytes((std::size_t{64} << 20) + 7);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  const DeviceImages table(cuda(), 1, 1, 1, bytes);
  std::vector<std::uint8_t> found(bytes.size());
  cuda().read(found.data(), table.bytes(), found.size());
  CHECK(found == bytes);
}

TEST_CASE("an event run whose views the device renders ends with the fingerprint of one that is sent pixels") {
  for (const bool block : {true, false}) {
    CAPTURE(block);
    const Run run{.name = "tiny", .schedule = block ? "rll" : "e2e", .block = block, .views = 14};
    const NetworkSpec net = network_of(run);
    const ImageSet images = synthetic_images(net, 24);  // those of events_of()
    const DeviceImages table(cuda(), net.height, net.width, net.channels, images.pixels);
    std::vector<ScheduledEvent> events = events_of(run);
    const std::string with_pixels = run_events(cuda(), run, events);

    OnlineLearner learner(cuda(), net, options_of(run));
    for (ScheduledEvent& scheduled : events)
      if (auto* view = std::get_if<View>(&scheduled.event)) view->pixels = nullptr;
    CHECK_THROWS_AS(learner.handle(events.front().event), std::invalid_argument);  // it was given no images
    learner.look_at(table);
    for (const ScheduledEvent& scheduled : events) learner.handle(scheduled.event);
    CHECK(learner.updates() > 0);
    CHECK(fingerprint_of(learner) == with_pixels);
  }
}

TEST_CASE("batches of recipes teach what batches of pixels teach, under every loss") {
  const NetworkSpec net = network_of({});
  const ImageSet images = synthetic_images(net, 9);
  const PairBatches batches(std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 4), {4, 6, 1});
  const DeviceImages table(cuda(), net.height, net.width, net.channels, images.pixels);
  for (const std::string loss : {"hinge", "simclr", "supervised", "clapp"}) {
    CAPTURE(loss);
    BatchOptions options;
    options.steps = 2;
    options.pairs = 6;
    options.step.loss = loss;
    options.rates = {std::vector<float>(3, 1e-3f), std::vector<float>(3, 1e-3f)};
    BatchLearner pixels_shown(cuda(), net, options), recipes_shown(cuda(), net, options);
    std::vector<float> a, b;
    std::vector<ViewRecipe> recipes_a, recipes_b;
    std::vector<std::int32_t> labels;
    for (std::uint64_t step = 0; step < options.steps; ++step) {
      batches.render(step, loss != "supervised", a, b, labels);
      pixels_shown.step(a, b, labels);
      batches.draw(step, loss != "supervised", recipes_a, recipes_b, labels);
      recipes_shown.step({recipes_a, table}, {recipes_b, table}, labels);
    }
    Checkpoint expected, found;
    pixels_shown.save(expected);
    recipes_shown.save(found);
    CHECK(fingerprint(found) == fingerprint(expected));
    CHECK(pixels_shown.last().loss > 0);
    recipes_b.pop_back();
    CHECK_THROWS_AS(recipes_shown.step({recipes_a, table}, {recipes_b, table}, labels), std::invalid_argument);
  }
  const DeviceImages small(cuda(), 3, 3, 3, std::vector<std::uint8_t>(27));
  OnlineLearner learner(cuda(), net, options_of({}));
  learner.look_at(small);
  CHECK_THROWS_AS(learner.handle(View{}), std::invalid_argument);  // not of the network's size
}

}  // namespace saccade::test
