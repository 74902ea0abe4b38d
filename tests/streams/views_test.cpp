#include "streams/views.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "engine/error.h"
#include "files.h"
#include "reference_view.h"
#include "view_helpers.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// FNV-1a over the bytes.
std::uint64_t hash(const Pixels& pixels) {
  std::uint64_t value = 14695981039346656037u;
  for (float pixel : pixels) {
    std::uint32_t bits;
    std::memcpy(&bits, &pixel, sizeof(bits));
    for (int shift : {0, 8, 16, 24}) value = (value ^ ((bits >> shift) & 255)) * 1099511628211u;
  }
  return value;
}

}  // namespace

TEST_CASE("rendering agrees with a slow double-precision one") {
  // Position: matrix entries, products and sums of pixels below 64 round four times by half a unit of 64 * 2^-24, with
  // signs that mostly cancel: one unit on each axis; a pixel of distance changes a value by at most 1. Colour:
  // saturation and hue together can amplify that 25 times (4 times the chroma, whose hue is known to error / chroma),
  // but only where contrast, amplification and rounding are all largest at one pixel: 6 times.
  const double position_limit = 2 * 64 * std::ldexp(1.0, -24), colour_limit = 6 * position_limit;
  double worst[2] = {0, 0};
  for (const Shape shape :
       {Shape{1, 1, 1}, {1, 1, 3}, {1, 6, 3}, {6, 1, 1}, {5, 7, 1}, {5, 7, 3}, {28, 28, 1}, {32, 32, 3}}) {
    const ImageSet images = noise_images(shape.height, shape.width, shape.channels);
    for (const ViewKind kind :
         {ViewKind::affine, ViewKind::affine_hsv, ViewKind::plain, ViewKind::rotate_scale_shift}) {
      if (kind == ViewKind::affine_hsv && shape.channels == 1) continue;
      for (std::uint64_t presentation = 0; presentation < 60; ++presentation) {
        const auto recipe = draw_recipe(kind, 7, presentation % 4, presentation, 1);
        const Pixels view = rendered(images, recipe);
        const auto reference = reference_view(images, recipe);
        const double limit = kind == ViewKind::affine_hsv ? colour_limit : position_limit;
        for (std::size_t i = 0; i < view.size(); ++i) {
          REQUIRE(std::isfinite(view[i]));
          REQUIRE((view[i] >= 0.0f && view[i] <= 1.0f));
          const double error = std::abs(view[i] - reference[i]);
          REQUIRE(error <= limit);
          double& largest = worst[kind == ViewKind::affine_hsv];
          largest = std::max(largest, error);
        }
      }
    }
  }
  MESSAGE("largest error: affine " << worst[0] << " of " << position_limit << ", affine-hsv " << worst[1] << " of "
                                   << colour_limit);
}

TEST_CASE("hue shifts beyond the drawn ones go round the whole circle") {
  const ImageSet images = noise_images(8, 9, 3);
  for (const float hue : {-0.5f, -0.4f, -0.25f, 0.25f, 0.4f, 0.5f}) {
    const ViewRecipe recipe{ViewKind::affine_hsv, 0, {1, 0, 0, 0, 1, 0, 1.3f, hue, 0}};
    const Pixels view = rendered(images, recipe);
    const auto reference = reference_view(images, recipe);
    for (std::size_t i = 0; i < view.size(); ++i)
      REQUIRE(std::abs(view[i] - reference[i]) <= 1e-6);  // 16 half units of 1
  }
}

TEST_CASE("identity parameters give the image exactly, the flip its mirror") {
  for (const Shape shape : {Shape{1, 1, 1}, {5, 7, 1}, {5, 7, 3}, {32, 32, 3}}) {
    const ImageSet images = noise_images(shape.height, shape.width, shape.channels);
    const Pixels image = pixels_of(images, 2);
    ViewRecipe recipe{ViewKind::affine, 2, {1, 0, 0, 0, 1, 0, 0, 0, 0}};
    CHECK(same_bits(rendered(images, recipe), image));
    CHECK(same_bits(rendered(images, {ViewKind::plain, 2, {}}), image));
    recipe.parameters[recipe::flip] = 1;
    const Pixels mirrored = rendered(images, recipe);
    for (int row = 0; row < shape.height; ++row) {
      for (int column = 0; column < shape.width; ++column) {
        for (int c = 0; c < shape.channels; ++c) {
          REQUIRE(mirrored[(row * shape.width + column) * shape.channels + c] ==
                  image[(row * shape.width + shape.width - 1 - column) * shape.channels + c]);
        }
      }
    }
  }
}

TEST_CASE("the sampling path agrees with copying as the warp becomes the identity") {
  // A shift far below a pixel takes the path of warps; whole-pixel positions then must be hit to rounding.
  const ImageSet images = noise_images(32, 32, 3);
  const Pixels image = pixels_of(images, 1);
  const Pixels view = rendered(images, {ViewKind::affine, 1, {1, 0, 1e-9f, 0, 1, 0}});
  for (std::size_t i = 0; i < image.size(); ++i) REQUIRE(view[i] == image[i]);
}

TEST_CASE("shifts go the way the matrix says: the view shows what lies to the right and below") {
  ImageSet images{"dot", 5, 5, 1, {"a"}, Bytes(25, 0), {0}};
  images.pixels[3 * 5 + 4] = 255;  // row 3, column 4
  // Output (0, 0), the centre, takes its value from input (0.5, 1): one and two pixels further.
  const Pixels view = rendered(images, {ViewKind::affine, 0, {1, 0, 1, 0, 1, 0.5f}});
  CHECK(view[2 * 5 + 2] == 1.0f);
  for (int column = 3; column < 5; ++column) CHECK(view[column] == 0.0f);
}

TEST_CASE("a view is rendered again from its recipe bit for bit, on any thread, between any others") {
  const ImageSet colour = noise_images(32, 32, 3), grey = noise_images(28, 28, 1), small = noise_images(5, 7, 3);
  std::vector<Pixels> first;
  for (std::uint32_t i = 0; i < 40; ++i)
    first.push_back(rendered(colour, draw_recipe(ViewKind::affine_hsv, 3, i % 4, i, 0)));
  const auto again = [&] {
    for (std::uint32_t i = 40; i-- > 0;) {
      rendered(grey, draw_recipe(ViewKind::affine, 3, i % 4, i, 0));
      if (!same_bits(rendered(colour, draw_recipe(ViewKind::affine_hsv, 3, i % 4, i, 0)), first[i])) return false;
      rendered(small, draw_recipe(ViewKind::affine_hsv, 3, i % 4, i, 0));
    }
    return true;
  };
  CHECK(again());
  bool elsewhere = false;
  std::thread([&] { elsewhere = again(); }).join();
  CHECK(elsewhere);
}

TEST_CASE("images of several sizes are rendered in turn by one thread, unwarped ones first") {
  // A thread keeps its padded copy of the source between views. The first view of a new size used to leave the old copy
  // in place when it was not warped, and the next one wrote behind it.
  const ImageSet small = noise_images(5, 7, 1), large = noise_images(40, 36, 3);
  ViewRecipe unwarped = draw_recipe(ViewKind::affine, 1, 0, 0, 0, Purpose::view_recipe, {.warp_probability = 0});
  ViewRecipe warped = draw_recipe(ViewKind::affine, 1, 0, 0, 1, Purpose::view_recipe, {.warp_probability = 1});
  Pixels alone;
  std::thread([&] { alone = rendered(large, warped); }).join();
  std::thread([&] {
    rendered(small, warped);
    rendered(large, unwarped);
    CHECK(same_bits(rendered(large, warped), alone));
    rendered(small, unwarped);
    CHECK(rendered(small, warped).size() == small.image_bytes());
    CHECK(same_bits(rendered(large, warped), alone));
  }).join();
}

TEST_CASE("the bits of views are the same in every build") {
  const ViewRecipe recipe{ViewKind::affine_hsv, 1, {1.1f, -0.2f, 0.3f, 0.15f, 0.8f, -0.4f, 2.7f, -0.07f, 1}};
  CHECK(hash(rendered(noise_images(32, 32, 3), recipe)) == 1982010794989798606u);
  CHECK(hash(rendered(noise_images(28, 28, 1), {ViewKind::affine, 2, recipe.parameters})) == 6719292784636320434u);
}

TEST_CASE("drawn parameters have the published ranges and shares") {
  const int count = 20'000;
  int warped = 0, flipped = 0;
  double sums[8] = {};
  for (int i = 0; i < count; ++i) {
    const auto recipe = draw_recipe(ViewKind::affine_hsv, 11, static_cast<std::uint32_t>(i % 100), i / 100, i % 2);
    const auto& p = recipe.parameters;
    REQUIRE((std::abs(p[0] - 1) <= 0.25f && std::abs(p[1]) <= 0.25f && std::abs(p[2]) <= 0.5f));
    REQUIRE((std::abs(p[3]) <= 0.25f && std::abs(p[4] - 1) <= 0.25f && std::abs(p[5]) <= 0.5f));
    REQUIRE((p[6] >= 0.25f && p[6] <= 4.0f && std::abs(p[7]) <= 0.1f));
    REQUIRE((p[8] == 0 || p[8] == 1));
    REQUIRE((p[9] == 0 && p[10] == 0 && p[11] == 0));
    const bool is_warped = !(p[0] == 1 && p[1] == 0 && p[2] == 0 && p[3] == 0 && p[4] == 1 && p[5] == 0);
    warped += is_warped;
    flipped += p[8] == 1;
    // Squared, in units of the half range: 1/3 for a uniform number.
    const double units[8] = {(p[0] - 1) / 0.25, p[1] / 0.25, p[2] / 0.5,          p[3] / 0.25,
                             (p[4] - 1) / 0.25, p[5] / 0.5,  std::log2(p[6]) / 2, p[7] / 0.1};
    for (int k = 0; k < 8; ++k) sums[k] += units[k] * units[k];
  }
  // Five standard deviations of a share of 1/2 (sqrt(1/4n)) and of the mean of u^2 (sqrt(4/45/n)).
  CHECK(std::abs(warped / double{count} - 0.5) <= 5 * std::sqrt(0.25 / count));
  CHECK(std::abs(flipped / double{count} - 0.5) <= 5 * std::sqrt(0.25 / count));
  for (int k = 0; k < 8; ++k) {
    const double n = k < 6 ? warped : count;
    CHECK(std::abs(sums[k] / n - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / n));
  }
}

TEST_CASE("recipes differ by each of their arguments and depend on nothing else") {
  std::set<std::array<float, 12>> drawn;
  const auto add = [&](std::uint64_t seed, std::uint32_t source, std::uint64_t presentation, std::uint32_t view,
                       Purpose purpose) {
    drawn.insert(draw_recipe(ViewKind::affine_hsv, seed, source, presentation, view, purpose).parameters);
  };
  for (std::uint64_t seed : {1, 2}) {
    for (std::uint32_t source : {0, 1}) {
      for (std::uint64_t presentation : {0, 1}) {
        for (std::uint32_t view : {0, 1, 2}) {
          for (Purpose purpose : {Purpose::view_recipe, Purpose::test_view})
            add(seed, source, presentation, view, purpose);
        }
      }
    }
  }
  CHECK(drawn.size() == 48);
  add(2, 1, 1, 2, Purpose::test_view);
  CHECK(drawn.size() == 48);
  // `affine` is `affine_hsv` without the colours: the same draws.
  auto colour = draw_recipe(ViewKind::affine_hsv, 5, 6, 7, 1);
  colour.parameters[recipe::saturation] = colour.parameters[recipe::hue] = 0;
  CHECK(draw_recipe(ViewKind::affine, 5, 6, 7, 1).parameters == colour.parameters);
  CHECK_THROWS_AS(draw_recipe(ViewKind::affine, 5, 6, 7, 1u << 28), std::invalid_argument);
}

TEST_CASE("rotate-scale-shift: ranges grow with the strength, and the matrix is what the method writes") {
  const int count = 20'000;
  for (const float strength : {0.0f, 0.5f, 1.0f}) {
    const DrawOptions options{.strength = strength};
    double sums[4] = {}, products = 0;
    for (int i = 0; i < count; ++i) {
      const auto recipe = draw_recipe(ViewKind::rotate_scale_shift, 3, static_cast<std::uint32_t>(i), 0, 0,
                                      Purpose::test_view, options);
      const auto& p = recipe.parameters;
      for (std::size_t place = 6; place < 12; ++place) REQUIRE(p[place] == 0);
      // The left half is scale * rotation: equal diagonal, opposite off-diagonal.
      REQUIRE(p[0] == p[4]);
      REQUIRE(p[1] == -p[3]);
      const double half = strength / 2.0, slack = 1e-6;
      const double angle = std::atan2(p[3], p[0]), scale = std::log(std::hypot(p[0], p[3]));
      REQUIRE(std::abs(angle) <= 1.5 * half + slack);
      REQUIRE(std::abs(scale) <= 1.5 * half + slack);
      REQUIRE((std::abs(p[2]) <= 2 * half && std::abs(p[5]) <= 2 * half));
      if (strength == 0) {
        REQUIRE((p[0] == 1 && p[1] == 0 && p[2] == 0 && p[5] == 0));
        continue;
      }
      const double units[4] = {angle / (1.5 * half), scale / (1.5 * half), p[2] / (2 * half), p[5] / (2 * half)};
      for (int k = 0; k < 4; ++k) sums[k] += units[k] * units[k];
      products += units[0] * units[1];
    }
    if (strength == 0) continue;
    // Five standard deviations of the mean of u^2 and of the mean of the product of two independent ones (1/9).
    for (double sum : sums) CHECK(std::abs(sum / count - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / count));
    CHECK(std::abs(products / count) <= 5 * std::sqrt(1.0 / 9 / count));
  }
  for (const float strength : {-0.1f, 10.1f, std::numeric_limits<float>::quiet_NaN()})
    CHECK_THROWS_AS(draw_recipe(ViewKind::rotate_scale_shift, 1, 0, 0, 0, Purpose::test_view, {.strength = strength}),
                    std::invalid_argument);
}

TEST_CASE("rotate-scale-shift turns a picture the way the matrix says") {
  // A quarter turn: output (x, y) reads input (-y, x), so the right edge of the view shows the lower edge.
  ImageSet images{"dot", 5, 5, 1, {"a"}, Bytes(25, 0), {0}};
  images.pixels[4 * 5 + 2] = 255;
  const Pixels view = rendered(images, {ViewKind::rotate_scale_shift, 0, {0, -1, 0, 1, 0, 0}});
  for (std::size_t i = 0; i < 25; ++i) CHECK(view[i] == (i == 2 * 5 + 4 ? 1.0f : 0.0f));
}

TEST_CASE("test views can all be warped, or none") {
  for (std::uint32_t i = 0; i < 500; ++i) {
    const auto always = draw_recipe(ViewKind::affine_hsv, 1, i, 0, 0, Purpose::test_view, {.warp_probability = 1});
    CHECK(always.parameters[0] != 1.0f);
    const auto never = draw_recipe(ViewKind::affine_hsv, 1, i, 0, 0, Purpose::test_view, {.warp_probability = 0});
    CHECK(never.parameters[0] == 1.0f);
  }
}

TEST_CASE("recipes that do not suit the images are refused") {
  const ImageSet colour = noise_images(5, 7, 3), grey = noise_images(5, 7, 1), two = noise_images(5, 7, 2);
  const auto error = [](const ImageSet& images, const ViewRecipe& recipe) {
    return message_of<InputError>([&] { rendered(images, recipe); });
  };
  const ViewRecipe good{ViewKind::affine_hsv, 0, {1, 0, 0, 0, 1, 0, 1, 0, 0}};
  CHECK(error(colour, good).empty());
  CHECK(says(error(grey, good), {"affine-hsv", "3 channels", "has 1", "use affine"}));
  CHECK(says(error(two, {ViewKind::affine, 0, good.parameters}), {"1 or 3 channels", "has 2"}));
  CHECK(says(error(colour, {ViewKind::affine, 4, good.parameters}), {"image 4", "has 4 images"}));
  CHECK(says(error(colour, {static_cast<ViewKind>(99), 0, good.parameters}), {"unknown kind 99"}));
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& [place, value] : std::vector<std::pair<std::size_t, float>>{{0, nan},
                                                                               {5, infinity},
                                                                               {4, 1.1e6f},
                                                                               {6, -1.0f},
                                                                               {6, nan},
                                                                               {6, infinity},
                                                                               {7, 0.6f},
                                                                               {7, nan},
                                                                               {8, 0.5f},
                                                                               {8, nan}}) {
    ViewRecipe bad = good;
    bad.parameters[place] = value;
    CHECK(says(error(colour, bad), {"image 0", "parameter " + std::to_string(place)}));
  }
}

TEST_CASE("extreme warps stay inside their buffers and give finite pixels") {
  const ImageSet images = noise_images(5, 7, 3);
  for (const float value : {1e6f, -1e6f, 99.0f, 1e-38f}) {
    for (std::size_t place = 0; place < 6; ++place) {
      ViewRecipe recipe{ViewKind::affine_hsv, 0, {1, 0, 0, 0, 1, 0, std::numeric_limits<float>::max(), 0.5f, 1}};
      recipe.parameters[place] = value;
      recipe.parameters[(place + 2) % 6] = -value;
      for (float pixel : rendered(images, recipe)) REQUIRE((pixel >= 0.0f && pixel <= 1.0f));
    }
  }
}
