#include "streams/patches.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>
#include <stdexcept>

#include "view_helpers.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// Floats that count up, so that a place in the view is known by its value.
Pixels counting(const ViewShape& shape) {
  Pixels view(shape.values());
  std::iota(view.begin(), view.end(), 0.0f);
  return view;
}

}  // namespace

TEST_CASE("patches: every pixel comes from its place in the view, and nothing else is written") {
  struct Case {
    ViewShape view;
    PatchGrid grid;
    int rows, columns;
  };
  for (const Case& c : {Case{{64, 64, 1}, {}, 7, 7},
                        {{64, 64, 3}, {}, 7, 7},
                        {{16, 16, 1}, {}, 1, 1},
                        {{23, 41, 2}, {}, 1, 4},
                        {{9, 10, 3}, {4, 3}, 2, 3},
                        {{5, 4, 1}, {1, 1}, 5, 4}}) {
    CAPTURE(c.view.height);
    REQUIRE(c.grid.rows(c.view) == c.rows);
    REQUIRE(c.grid.columns(c.view) == c.columns);
    const Pixels view = counting(c.view);
    Pixels out(c.grid.values(c.view) + 1, -1.0f);
    cut_patches(view.data(), c.view, c.grid, out.data());
    REQUIRE(out.back() == -1.0f);
    std::size_t at = 0;
    for (int row = 0; row < c.rows; ++row)
      for (int column = 0; column < c.columns; ++column)
        for (int y = 0; y < c.grid.side; ++y)
          for (int x = 0; x < c.grid.side; ++x)
            for (int channel = 0; channel < c.view.channels; ++channel) {
              const int from_row = row * c.grid.stride + y, from_column = column * c.grid.stride + x;
              REQUIRE(out[at++] ==
                      static_cast<float>((from_row * c.view.width + from_column) * c.view.channels + channel));
            }
    CHECK(at == c.grid.values(c.view));
  }
}

TEST_CASE("patches of a grey crop of a colour image: 7x7 of 16x16, standardised") {
  const ImageSet images = noise_images(96, 96, 3);
  const auto recipe = draw_recipe(ViewKind::grey_crop, 1, 2, 3, 0, Purpose::view_recipe, {.height = 96, .width = 96});
  const Pixels view = rendered(images, recipe);
  const ViewShape shape = view_shape(recipe.kind, images);
  const PatchGrid grid;
  REQUIRE(grid.values(shape) == 49 * 256);
  Pixels patches(grid.values(shape));
  cut_patches(view.data(), shape, grid, patches.data());
  CHECK(patches[0] == view[0]);
  CHECK(patches[(3 * 7 + 5) * 256 + 2 * 16 + 9] == view[(3 * 8 + 2) * 64 + 5 * 8 + 9]);
  CHECK(patches.back() == view.back());
  double sum = 0;
  for (float x : view) sum += x;
  // Uniform bytes have the mean 1/2; five standard deviations of a pixel's luminance (0.19 / 0.257) over 64 * 64.
  CHECK(std::abs(sum / 4096 - (0.5 - 0.4120) / 0.2570) <= 5 * 0.74 / 64);
}

TEST_CASE("patches: a view that is too small, or a grid that cuts nothing, is refused") {
  const Pixels view(64 * 64);
  Pixels out(64 * 64 * 4);
  for (const auto& [shape, grid] : std::vector<std::pair<ViewShape, PatchGrid>>{
           {{15, 64, 1}, {}}, {{64, 15, 1}, {}}, {{64, 64, 1}, {0, 1}}, {{64, 64, 1}, {16, 0}}, {{64, 64, 0}, {}}})
    CHECK_THROWS_AS(cut_patches(view.data(), shape, grid, out.data()), std::invalid_argument);
}
