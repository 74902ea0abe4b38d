#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "engine/error.h"
#include "reference_view.h"
#include "streams/colour.h"
#include "view_helpers.h"

using namespace saccade;
using namespace saccade::test;

namespace {

DrawOptions options_of(const ImageSet& images) { return {.height = images.height, .width = images.width}; }

/// Largest deviation from the reference; NaN and pixels outside [0, 1] give infinity.
double deviation(const ImageSet& images, const ViewRecipe& recipe) {
  const Pixels view = rendered(images, recipe);
  const auto reference = reference_cut(images, recipe);
  REQUIRE(view.size() == reference.size());
  const bool standard = recipe.kind == ViewKind::grey_crop;
  double worst = 0;
  for (std::size_t i = 0; i < view.size(); ++i) {
    const double error = std::abs(view[i] - reference[i]);
    if (!std::isfinite(error) || (!standard && !(view[i] >= 0 && view[i] <= 1))) return INFINITY;
    worst = std::max(worst, error);
  }
  return worst;
}

ViewRecipe whole_image(const ImageSet& images, ViewKind kind) {
  return {kind, 1, {0, 0, static_cast<float>(images.height), static_cast<float>(images.width)}};
}

constexpr double unit = 0x1p-24;

}  // namespace

TEST_CASE("cut views have at most 64 rows and columns") {
  for (ViewKind kind : {ViewKind::crop_jitter, ViewKind::centre_crop, ViewKind::random_crop_flip}) {
    CHECK(view_shape(kind, ViewShape{96, 96, 3}) == ViewShape{64, 64, 3});
    CHECK(view_shape(kind, ViewShape{32, 70, 3}) == ViewShape{32, 64, 3});
  }
  CHECK(view_shape(ViewKind::grey_crop, ViewShape{96, 96, 3}) == ViewShape{64, 64, 1});
  for (ViewKind kind : {ViewKind::plain, ViewKind::affine, ViewKind::affine_hsv, ViewKind::rotate_scale_shift})
    CHECK(view_shape(kind, ViewShape{96, 95, 3}) == ViewShape{96, 95, 3});
}

TEST_CASE("cut views agree with a slow double-precision rendering") {
  // Resampling: along an axis at most n = 2 * 200 / 64 + 1 < 8 weighted pixels, each weight rounded once, each product
  // and partial sum once, and a byte's value once: (2 n + 1) units each of two passes, sums being at most 1. Jitter:
  // brightness, contrast and saturation stretch a difference at most 1.8, 2.6 and 2.6 times, hue 4 times (a difference
  // over a chroma, times that chroma); but hardly where the first error is largest, and clamping ends most: 3 times.
  const double resample_limit = 2 * 17 * unit, jitter_limit = 3 * resample_limit;
  double worst[2] = {0, 0};
  for (const Shape shape :
       {Shape{96, 96, 3}, {97, 71, 3}, {65, 200, 3}, {5, 7, 3}, {1, 1, 3}, {1, 50, 3}, {31, 66, 1}}) {
    const ImageSet images = noise_images(shape.height, shape.width, shape.channels);
    for (ViewKind kind :
         {ViewKind::crop_jitter, ViewKind::centre_crop, ViewKind::random_crop_flip, ViewKind::grey_crop}) {
      if (kind == ViewKind::crop_jitter && shape.channels == 1) continue;
      const int count = kind == ViewKind::crop_jitter ? 12 : 3;
      for (int i = 0; i < count; ++i) {
        const auto recipe =
            draw_recipe(kind, 7, i % 4, static_cast<std::uint64_t>(i), 1, Purpose::view_recipe, options_of(images));
        CAPTURE(to_string(kind));
        CAPTURE(shape.width);
        const bool jittered = kind == ViewKind::crop_jitter && recipe.parameters[recipe::jitter] == 1;
        const double error = deviation(images, recipe) * (kind == ViewKind::grey_crop ? 0.25 : 1);
        CHECK(error <= (jittered ? jitter_limit : resample_limit));
        worst[jittered] = std::max(worst[jittered], error);
      }
    }
  }
  MESSAGE("largest error: resampled " << worst[0] << " of " << resample_limit << ", jittered " << worst[1] << " of "
                                      << jitter_limit);
}

TEST_CASE("every order of the colour changes is the one that the recipe says") {
  const ImageSet images = noise_images(6, 5, 3);
  std::vector<Pixels> views;
  for (int order = 0; order < ColourJitter::orders; ++order) {
    ViewRecipe recipe = whole_image(images, ViewKind::crop_jitter);
    const float values[] = {1.6f, 0.5f, 1.7f, 0.15f};
    std::copy(std::begin(values), std::end(values), recipe.parameters.begin() + recipe::brightness);
    recipe.parameters[recipe::order] = static_cast<float>(order);
    recipe.parameters[recipe::jitter] = 1;
    CAPTURE(order);
    CHECK(deviation(images, recipe) <= 1e-6);
    views.push_back(rendered(images, recipe));
    for (int other = 0; other < order; ++other) CHECK_FALSE(same_bits(views.back(), views[other]));
  }
}

TEST_CASE("a crop of the view's size is the image's pixels, the flip their mirror") {
  const ImageSet images = noise_images(70, 66, 3);
  const Pixels image = pixels_of(images, 1);
  for (const bool flip : {false, true}) {
    ViewRecipe recipe{ViewKind::random_crop_flip, 1, {5, 2, 64, 64}};
    recipe.parameters[recipe::flip] = flip;
    const Pixels view = rendered(images, recipe);
    for (int row = 0; row < 64; ++row)
      for (int column = 0; column < 64; ++column)
        for (int c = 0; c < 3; ++c) {
          const int from = flip ? 63 - column : column;
          REQUIRE(view[(row * 64 + column) * 3 + c] == image[((row + 5) * 66 + from + 2) * 3 + c]);
        }
  }
}

TEST_CASE("shrinking averages, so a fine pattern becomes grey instead of a coarse one") {
  ImageSet images{"stripes", 128, 128, 1, {"a"}, Bytes(128 * 128), {0}};
  for (std::size_t i = 0; i < images.pixels.size(); ++i) images.pixels[i] = i % 2 == 0 ? 0 : 255;
  ImageSet colour{"stripes", 128, 128, 3, {"a"}, {}, {0}};
  for (std::uint8_t byte : images.pixels) colour.pixels.insert(colour.pixels.end(), 3, byte);
  const Pixels view = rendered(colour, {ViewKind::crop_jitter, 0, {0, 0, 128, 128}});
  for (int row = 0; row < 64; ++row)
    for (int column = 1; column < 63; ++column) REQUIRE(std::abs(view[(row * 64 + column) * 3] - 0.5) <= 8 * unit);
}

TEST_CASE("crops and jitters have the published ranges and shares") {
  const int count = 20'000, side = 96;
  int jittered = 0, grey = 0, flipped = 0, orders[ColourJitter::orders] = {};
  double areas = 0, wide = 0, sums[4] = {};
  for (int i = 0; i < count; ++i) {
    const auto recipe = draw_recipe(ViewKind::crop_jitter, 5, static_cast<std::uint32_t>(i % 50), i / 50, i % 3,
                                    Purpose::view_recipe, {.height = side, .width = side});
    const auto& p = recipe.parameters;
    REQUIRE((p[0] >= 0 && p[1] >= 0 && p[2] >= 1 && p[3] >= 1 && p[0] + p[2] <= side && p[1] + p[3] <= side));
    const double area = p[2] * p[3] / double{side * side}, aspect = p[3] / p[2];
    REQUIRE((area >= 0.07 && area <= 1));  // 0.08 before rounding to pixels
    REQUIRE((aspect >= 0.70 && aspect <= 1.42));
    areas += area;
    wide += aspect > 1;
    flipped += p[recipe::flip] == 1;
    grey += p[recipe::grey] == 1;
    if (p[recipe::jitter] == 0) {
      for (std::size_t place = 4; place < 8; ++place) REQUIRE(p[place] == 0);
      continue;
    }
    ++jittered;
    ++orders[static_cast<int>(p[recipe::order])];
    const double units[4] = {(p[4] - 1) / 0.8, (p[5] - 1) / 0.8, (p[6] - 1) / 0.8, p[7] / 0.2};
    for (int k = 0; k < 4; ++k) {
      REQUIRE(std::abs(units[k]) <= 1 + 1e-6);
      sums[k] += units[k] * units[k];
    }
  }
  const auto share = [&](double found, double expected, double n) {
    return std::abs(found / n - expected) <= 5 * std::sqrt(expected * (1 - expected) / n);
  };
  CHECK(share(flipped, 0.5, count));
  CHECK(share(grey, 0.2, count));
  CHECK(share(jittered, 0.8, count));
  for (int found : orders) CHECK(share(found, 1.0 / 24, jittered));
  for (double sum : sums) CHECK(std::abs(sum / jittered - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / jittered));
  // Tall and wide alike; the mean area is below 0.54, because large areas of an odd aspect do not fit and are drawn
  // again. Without that the mean would be 0.54 to within 0.01.
  CHECK(std::abs(wide / count - 0.5) <= 0.03);
  CHECK((areas / count > 0.45 && areas / count < 0.53));
}

TEST_CASE("an image that no try fits gets the largest centred crop of a permitted aspect") {
  const auto crop = [](int height, int width) {
    const auto p =
        draw_recipe(ViewKind::crop_jitter, 1, 0, 0, 0, Purpose::view_recipe, {.height = height, .width = width})
            .parameters;
    return std::vector<float>(p.begin(), p.begin() + 4);
  };
  CHECK(crop(1, 50) == std::vector<float>{0, 24, 1, 1});
  CHECK(crop(50, 1) == std::vector<float>{24, 0, 1, 1});
  CHECK(crop(3, 100) == std::vector<float>{0, 48, 3, 4});
}

TEST_CASE("the middle is the middle, and crops reach every place") {
  const DrawOptions options{.height = 67, .width = 66};
  auto centred = options;
  centred.centred = true;
  bool rows[4] = {}, columns[3] = {};
  for (std::uint32_t i = 0; i < 200; ++i) {
    const auto middle = draw_recipe(ViewKind::centre_crop, 1, i, 0, 0, Purpose::view_recipe, options).parameters;
    CHECK(middle == std::array<float, 12>{1, 1, 64, 64});
    for (ViewKind kind : {ViewKind::random_crop_flip, ViewKind::grey_crop})
      CHECK(draw_recipe(kind, 1, i, 0, 0, Purpose::view_recipe, centred).parameters == middle);
    const auto p = draw_recipe(ViewKind::random_crop_flip, 1, i, 0, 0, Purpose::view_recipe, options).parameters;
    rows[static_cast<int>(p[0])] = columns[static_cast<int>(p[1])] = true;
  }
  for (bool row : rows) CHECK(row);
  for (bool column : columns) CHECK(column);
  CHECK_THROWS_AS(draw_recipe(ViewKind::grey_crop, 1, 0, 0, 0), std::invalid_argument);
}

TEST_CASE("cut recipes that do not suit the images are refused") {
  const ImageSet colour = noise_images(70, 80, 3), grey = noise_images(70, 80, 1);
  const auto error = [](const ImageSet& images, const ViewRecipe& recipe) {
    return message_of<InputError>([&] { rendered(images, recipe); });
  };
  const ViewRecipe good{ViewKind::crop_jitter, 0, {2, 3, 68, 77, 1, 1, 1, 0, 0, 23, 1, 0}};
  CHECK(error(colour, good).empty());
  CHECK(says(error(grey, good), {"crop-jitter", "3 channels", "has 1"}));
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const auto& [place, value] : std::vector<std::pair<std::size_t, float>>{
           {0, -1}, {0, 3},   {0, 0.5f}, {0, nan},      {1, 4},     {1, infinity}, {2, 0},    {2, 71},
           {3, 81}, {3, nan}, {4, -1},   {4, infinity}, {5, nan},   {6, -0.1f},    {7, 0.6f}, {7, nan},
           {8, 2},  {9, 24},  {9, -1},   {9, 1.5f},     {10, 0.5f}, {11, nan}}) {
    ViewRecipe bad = good;
    bad.parameters[place] = value;
    CAPTURE(place);
    CHECK(says(error(colour, bad), {"image 0", "parameter " + std::to_string(place)}));
  }
  // Kinds that do not resample take the view's size and nothing else.
  for (ViewKind kind : {ViewKind::centre_crop, ViewKind::random_crop_flip, ViewKind::grey_crop}) {
    CHECK(error(grey, {kind, 0, {6, 16, 64, 64}}).empty());
    CHECK(says(error(grey, {kind, 0, {0, 0, 63, 64}}), {"parameter 2", "from 64 to 64"}));
    CHECK(says(error(grey, {kind, 0, {7, 0, 64, 64}}), {"parameter 0", "from 0 to 6"}));
  }
}

TEST_CASE("extreme jitters give pixels between 0 and 1") {
  const ImageSet images = noise_images(9, 7, 3);
  const float most = std::numeric_limits<float>::max();
  for (int order = 0; order < ColourJitter::orders; ++order)
    for (const float factor : {0.0f, 1e-38f, most}) {
      ViewRecipe recipe = whole_image(images, ViewKind::crop_jitter);
      recipe.parameters = {0, 0, 9, 7, factor, most - factor, factor, -0.5f, 1, static_cast<float>(order), 1, 1};
      for (float pixel : rendered(images, recipe)) REQUIRE((pixel >= 0.0f && pixel <= 1.0f));
    }
}

TEST_CASE("the bits of cut views are the same in every build") {
  std::uint64_t value = 14695981039346656037u;  // FNV-1a
  for (float pixel : rendered(noise_images(97, 71, 3),
                              {ViewKind::crop_jitter, 1, {3, 5, 90, 33, 1.3f, 0.7f, 1.5f, -0.1f, 1, 14, 1, 0}})) {
    std::uint32_t bits;
    std::memcpy(&bits, &pixel, sizeof(bits));
    for (int shift : {0, 8, 16, 24}) value = (value ^ ((bits >> shift) & 255)) * 1099511628211u;
  }
  CHECK(value == 2627055647492890354u);
}

TEST_CASE("cut views are rendered again bit for bit, on any thread, between any others") {
  const ImageSet large = noise_images(96, 96, 3), small = noise_images(5, 7, 3);
  const auto view = [&](const ImageSet& images, std::uint32_t i) {
    return rendered(images,
                    draw_recipe(ViewKind::crop_jitter, 3, i % 4, i, 0, Purpose::view_recipe, options_of(images)));
  };
  std::vector<Pixels> first;
  for (std::uint32_t i = 0; i < 10; ++i) first.push_back(view(large, i));
  bool same = true;
  std::thread([&] {
    for (std::uint32_t i = 10; i-- > 0;) {
      view(small, i);
      rendered(small, draw_recipe(ViewKind::affine_hsv, 3, i % 4, i, 0));
      same = same && same_bits(view(large, i), first[i]);
    }
  }).join();
  CHECK(same);
}
