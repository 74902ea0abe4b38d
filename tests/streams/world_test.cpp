#include "streams/world/world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "engine/error.h"
#include "files.h"
#include "streams/world/shapes.h"
#include "streams/world/stills.h"

namespace saccade {
namespace {

using test::message_of, test::says;

constexpr double infinite = std::numeric_limits<double>::infinity();

Pixels rendered(const World& world, const ViewRecipe& recipe) {
  Pixels pixels(world.view_shape().values(), -1.0f);
  world.render(recipe, pixels.data());
  return pixels;
}

bool same(const ViewRecipe& a, const ViewRecipe& b) {
  return a.kind == b.kind && a.source == b.source && a.parameters == b.parameters;
}

/// Mean over views of some objects of the products of a(view 0) and b(view `view`).
template <class A, class B>
double mean_product(const World& world, std::uint32_t view, const A& a, const B& b) {
  double sum = 0;
  constexpr std::uint32_t count = 4000;
  for (std::uint32_t i = 0; i < count; ++i)
    sum += a(world.draw(i % 16, i, 0).parameters) * b(world.draw(i % 16, i, view).parameters);
  return sum / count;
}

}  // namespace

TEST_CASE("the world's objects: as many of each shape, labelled by it, and otherwise independent of it") {
  World::Options options;
  options.objects = 1600;
  const World world(options);
  CHECK(world.size() == 1600);
  CHECK(world.name() == "world");
  std::map<std::int32_t, int> counts;
  for (const std::int32_t label : world.labels()) ++counts[label];
  CHECK(counts.size() == shape_names().size());
  for (const auto& [label, count] : counts) CHECK(count == 100);
  std::map<std::pair<int, int>, int> together;
  std::set<float> reds;
  for (std::uint32_t i = 0; i < world.size(); ++i) {
    const WorldObject object = world_object(1, i);
    CHECK(object.shape == world.labels()[i]);
    ++together[{object.shape, static_cast<int>(object.paint.pattern)}];
    reds.insert(object.paint.colours[0].x);
    for (const float stretch : {object.proportions.x, object.proportions.y, object.proportions.z}) {
      CHECK(stretch > 0.84f);
      CHECK(stretch < 1.19f);
    }
  }
  CHECK(reds.size() > 1000);
  // 100 objects of a shape, 5 patterns: 20 each with a standard deviation of 4.
  CHECK(together.size() == 16 * patterns);
  for (const auto& [which, count] : together) CHECK(std::abs(count - 20) < 18);
  CHECK(world_object(2, 5).paint.colours[0] != world_object(1, 5).paint.colours[0]);
}

TEST_CASE("few paints are shared by objects of all shapes") {
  std::map<float, std::set<int>> shapes;
  for (std::uint32_t i = 0; i < 320; ++i) {
    const WorldObject object = world_object(1, i, 3);
    shapes[object.paint.colours[0].x].insert(object.shape);
  }
  CHECK(shapes.size() == 3);
  for (const auto& [paint, which] : shapes) CHECK(which.size() >= 12);
}

TEST_CASE("a view is a function of object, fixation and number; the seeds of objects and scenes are two") {
  World::Options options;
  for (const bool trajectory : {false, true}) {
    options.trajectory = trajectory;
    const World world(options), again(options);
    const ViewRecipe recipe = world.draw(7, 3, 4);
    CHECK(recipe.kind == ViewKind::world);
    CHECK(recipe.source == 7);
    CHECK(same(recipe, again.draw(7, 3, 4)));
    CHECK(rendered(world, recipe) == rendered(again, recipe));
    CHECK(!same(recipe, world.draw(7, 3, 5)));
    CHECK(!same(recipe, world.draw(7, 4, 4)));
    World::Options other = options;
    other.scenes = 2;
    CHECK(!same(recipe, World(other).draw(7, 3, 4)));
    CHECK(rendered(world, recipe) == rendered(World(other), recipe));
    other = options;
    other.seed = 2;
    CHECK(same(recipe, World(other).draw(7, 3, 4)));
    CHECK(rendered(world, recipe) != rendered(World(other), recipe));
  }
}

TEST_CASE("scenes spread as they should, alone and on paths, and correlate along paths as exp(-lag / tau)") {
  World::Options options;
  options.objects = 16;
  options.spread = {infinite, 1, 0.6};
  options.step = 0.3;
  options.pose_time = 0.6;
  for (const bool trajectory : {false, true}) {
    CAPTURE(trajectory);
    options.trajectory = trajectory;
    const World world(options);
    const auto part = [](std::size_t place) {
      return [place](const auto& p) { return static_cast<double>(p[place]); };
    };
    const auto exponent = [](const auto& p) { return std::log2(static_cast<double>(p[recipe::distance]) / 3.3); };
    const auto one = [](const auto&) { return 1.0; };
    // Standard errors: 1 / sqrt 4000 = 0.016 of a deviation, 0.022 of a variance.
    for (const std::uint32_t view : {0u, 3u}) {
      for (std::size_t i = 0; i < 4; ++i) {
        const auto square = [&](const auto& p) { return static_cast<double>(p[i]) * static_cast<double>(p[i]); };
        CHECK(mean_product(world, view, one, part(i)) == doctest::Approx(0).epsilon(0.035));
        CHECK(mean_product(world, view, one, square) == doctest::Approx(0.25).epsilon(0.06));
      }
      CHECK(std::fabs(mean_product(world, view, one, part(recipe::place))) < 0.15 * 0.08);
      CHECK(std::fabs(mean_product(world, view, one, exponent)) < 0.25 * 0.08);
      const auto place_square = [](const auto& p) { return std::pow(static_cast<double>(p[recipe::place]), 2); };
      CHECK(mean_product(world, view, one, place_square) == doctest::Approx(0.15 * 0.15).epsilon(0.1));
    }
    const double correlation =
        mean_product(world, 2, part(recipe::place), part(recipe::place)) / (0.15 * 0.15);  // a lag of one pose_time
    CHECK(std::fabs(correlation - (trajectory ? std::exp(-1.0) : 0.0)) < 0.08);
  }
  options.trajectory = true;
  const World world(options);
  CHECK(world.draw(1, 1, 0).parameters[recipe::background] == world.draw(1, 1, 9).parameters[recipe::background]);
  options.trajectory = false;
  const World alone(options);
  CHECK(alone.draw(1, 1, 0).parameters[recipe::background] != alone.draw(1, 1, 9).parameters[recipe::background]);
}

TEST_CASE("with no spread every scene is the rest pose; with the widest it is still one that can be drawn") {
  World::Options options;
  options.spread = {0, 0, 0};
  const World still(options);
  ViewRecipe a = still.draw(3, 0, 0), b = still.draw(3, 5, 9);
  a.parameters[recipe::background] = b.parameters[recipe::background] = 0;
  CHECK(same(a, b));
  options.spread = {infinite, 10, 10};
  const World wild(options);
  for (std::uint32_t i = 0; i < 300; ++i) {
    const Pixels pixels = rendered(wild, wild.draw(i, i, 0));
    for (const float pixel : pixels) REQUIRE((pixel >= 0 && pixel <= 1));
  }
}

TEST_CASE("views move continuously along a path: the smaller the step, the smaller the change") {
  World::Options options;
  options.trajectory = true;
  double last = 1;
  for (const double step : {0.16, 0.01, 0.000625}) {  // a step 16 times smaller moves a path by a quarter
    CAPTURE(step);
    options.step = step;
    const World world(options);
    double change = 0;
    std::size_t values = 0;
    for (std::uint32_t object = 0; object < 16; ++object) {
      Pixels before = rendered(world, world.draw(object, 0, 0));
      for (std::uint32_t view = 1; view < 6; ++view) {
        const Pixels now = rendered(world, world.draw(object, 0, view));
        for (std::size_t i = 0; i < now.size(); ++i) change += std::fabs(now[i] - before[i]);
        values += now.size();
        before = now;
      }
    }
    change /= static_cast<double>(values);
    CHECK(change < 0.55 * last);
    CHECK(change > 0);
    last = change;
  }
  CHECK(last < 0.006);
}

TEST_CASE("recipes that are none of this world's are refused") {
  World::Options options;
  options.objects = 20;
  options.first = 100;
  const World world(options);
  const ViewRecipe good = world.draw(5, 0, 0);
  CHECK(good.source == 105);
  rendered(world, good);
  const auto refused = [&](ViewRecipe recipe, const std::vector<std::string>& parts) {
    CHECK(says(message_of<InputError>([&] { rendered(world, recipe); }), parts));
  };
  const auto with = [&](std::size_t place, float value) {
    ViewRecipe recipe = good;
    recipe.parameters[place] = value;
    return recipe;
  };
  for (std::size_t place = 0; place < good.parameters.size(); ++place) {
    CAPTURE(place);
    for (const float value : {NAN, INFINITY, -INFINITY, 1e30f, -1e9f})
      refused(with(place, value), {"object 105", "parameter " + std::to_string(place), "expected"});
  }
  refused(with(recipe::rotation, 0.5f * good.parameters[recipe::rotation]), {"squared length", "expected 1"});
  refused(with(recipe::distance, 1.2f), {"parameter 4", "1.5 to 100"});
  refused(with(recipe::background, 0.5f), {"parameter 11", "whole number"});
  refused(with(recipe::background, 16777216), {"parameter 11"});
  ViewRecipe bright = good;
  for (std::size_t i = 0; i < 3; ++i) bright.parameters[recipe::light + i] = 3;
  refused(bright, {"strength", "0 to 4"});
  ViewRecipe wrong = good;
  wrong.kind = ViewKind::affine;
  refused(wrong, {"kind 2", "expected 8"});
  for (const std::uint32_t source : {99u, 120u, 0u, 4294967295u}) {
    wrong = good;
    wrong.source = source;
    refused(wrong, {std::to_string(source), "100 to 119"});
  }
  CHECK_THROWS_AS(world.draw(20, 0, 0), std::invalid_argument);
  CHECK_THROWS_AS(world.draw(0, 0, views_limit), std::invalid_argument);
  const ImageSet images{"pictures", 2, 2, 3, {}, std::vector<std::uint8_t>(12), {}};
  Pixels pixels(12);
  ViewRecipe of_images = good;
  of_images.source = 0;
  CHECK(says(message_of<InputError>([&] { render(images, of_images, pixels.data()); }), {"world", "pictures"}));
}

TEST_CASE("options of a world outside their ranges are refused") {
  const auto refused = [](const auto& change, const std::vector<std::string>& parts) {
    World::Options options;
    change(options);
    CHECK(says(message_of<InputError>([&] { World{options}; }), parts));
  };
  refused([](auto& o) { o.size = 15; }, {"15 pixels", "16 to 128"});
  refused([](auto& o) { o.size = 129; }, {"129 pixels"});
  refused([](auto& o) { o.objects = 0; }, {"0 objects"});
  refused([](auto& o) { o.objects = World::most_objects + 1; }, {"objects", "at most 16777216"});
  refused([](auto& o) { o.first = World::most_objects + 1; }, {"objects", "at most 16777216"});
  refused([](auto& o) { o.spread.pose = -1; }, {"pose spread -1"});
  refused([](auto& o) { o.spread.pose = NAN; }, {"pose spread nan"});
  refused([](auto& o) { o.spread.place = 11; }, {"place spread 11"});
  refused([](auto& o) { o.spread.light = infinite; }, {"light spread inf"});
  refused([](auto& o) { o.step = 0; }, {"steps of 0 s"});
  refused([](auto& o) { o.pose_time = -1; }, {"time constant -1 s"});
}

TEST_CASE("stills: labelled, balanced, of new objects for the test, with factors that draw them again") {
  World::Options options;
  options.size = 16;
  options.objects = 32;
  const DataSet data = world_stills(options, 80, 48);
  CHECK(data.train.size() == 80);
  CHECK(data.test.size() == 48);
  CHECK(data.deformed_test.size() == 48);
  CHECK(data.train.classes == shape_names());
  CHECK(data.test.labels == data.deformed_test.labels);
  CHECK(data.test.pixels != data.deformed_test.pixels);
  for (const ImageSet* images : {&data.train, &data.test}) {
    std::map<std::int32_t, std::size_t> counts;
    for (const std::int32_t label : images->labels) ++counts[label];
    for (const auto& [label, count] : counts) CHECK(count == images->size() / 16);
  }
  // The 33rd is the first object again, in another scene.
  const World train(training_stills(options)), test(test_stills(options, 48)), wide(wide_stills(options, 48));
  CHECK(still_recipe(train, 32).source == 0);
  CHECK(!same(still_recipe(train, 32), still_recipe(train, 0)));
  CHECK(still_recipe(test, 0).source >= World::most_objects);
  const auto agrees = [](const ImageSet& images, const World& world, std::size_t i) {
    const Pixels pixels = rendered(world, still_recipe(world, i)), stored = pixels_of(images, i);
    for (std::size_t k = 0; k < pixels.size(); ++k)
      if (!(std::fabs(pixels[k] - stored[k]) <= 0.502f / 255)) return false;
    return images.labels[i] == world_factors(still_recipe(world, i)).label;
  };
  for (std::size_t i = 0; i < 48; ++i) {
    CHECK(agrees(data.train, train, i));
    CHECK(agrees(data.test, test, i));
    CHECK(agrees(data.deformed_test, wide, i));
  }
  // Whether the stream follows paths, and from which seed, does not change the data set; nor does the number of objects
  // change its test.
  World::Options other = options;
  other.trajectory = true;
  other.scenes = 9;
  CHECK(world_stills(other, 80, 48).train.pixels == data.train.pixels);
  other.objects = 64;
  CHECK(world_stills(other, 80, 48).test.pixels == data.test.pixels);
}

TEST_CASE("the factors of a view, as a row of a table") {
  Scene scene;
  scene.distance = 3.5f;
  scene.light = {0.5f, 0.25f, 1};
  scene.background = 77;
  const WorldFactors factors = world_factors(recipe_of(scene, 35));
  CHECK(factors.object == 35);
  CHECK(factors.label == 3);
  const std::string header = factors_header(), row = factors_row(factors);
  CHECK(header.starts_with("object,label,shape,rotation_w,"));
  CHECK(std::count(header.begin(), header.end(), ',') == std::count(row.begin(), row.end(), ','));
  CHECK(row == "35,3,cone,1,0,0,0,3.5,0,0,0.5,0.25,1,0.3,77");
  CHECK_THROWS_AS(world_factors(ViewRecipe{}), InputError);
}

}  // namespace saccade
