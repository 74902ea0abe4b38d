#include "tools/views/film_strip.h"

#include <doctest/doctest.h>

#include <array>

namespace saccade {
namespace {

/// Views of 2x3 pixels, two a fixation, view g all of the grey g / 10.
std::vector<View> greys(int count) {
  std::vector<View> views;
  for (int g = 0; g < count; ++g)
    views.push_back({.time = g * 100'000 + (g == 2 ? 50'000 : 0),
                     .fixation = static_cast<std::uint64_t>(g / 2),
                     .index = static_cast<std::uint32_t>(g % 2),
                     .recipe = {},
                     .pixels = std::make_shared<Pixels>(6, static_cast<float>(g) / 10)});
  return views;
}

std::array<int, 3> at(const Picture& picture, int y, int x) {
  const auto place = static_cast<std::size_t>((y * picture.width + x) * 3);
  return {picture.bytes.at(place), picture.bytes.at(place + 1), picture.bytes.at(place + 2)};
}

}  // namespace

TEST_CASE("a film strip: the newest view at the right, earlier ones left of it, times of the stream") {
  const auto frames = film_strip(greys(4), {2, 3, 1}, 3, 2, 0.7);
  REQUIRE(frames.size() == 4);
  CHECK(frames[0].seconds == doctest::Approx(0.1));
  CHECK(frames[1].seconds == doctest::Approx(0.15));
  CHECK(frames[2].seconds == doctest::Approx(0.05));
  CHECK(frames[3].seconds == doctest::Approx(0.7));
  const int cell = 3 * 2 + 2 * 3, pitch = cell + 2;
  for (const AnimationFrame& frame : frames) {
    CHECK(frame.picture.height == 2 * 2 + 2 * 3);
    CHECK(frame.picture.width == 3 * pitch - 2);
  }
  const auto grey = [&](int frame, int place) {
    return at(frames[static_cast<std::size_t>(frame)].picture, 5, place * pitch + 6)[0];
  };
  const auto colour = [&](int frame, int place) {
    return at(frames[static_cast<std::size_t>(frame)].picture, 0, place * pitch);
  };
  const auto shade = [](int g) { return static_cast<int>(static_cast<float>(g) / 10 * 255 + 0.5f); };
  CHECK(grey(3, 2) == shade(3));
  CHECK(grey(3, 1) == shade(2));
  CHECK(grey(3, 0) == shade(1));
  CHECK(grey(0, 2) == shade(0));
  CHECK(at(frames[0].picture, 5, 6) == at(frames[0].picture, 0, cell));  // nothing there yet: as between the views
  CHECK(colour(3, 2) == colour(3, 1));                                   // one fixation
  CHECK(colour(3, 1) != colour(3, 0));                                   // a saccade
}

}  // namespace saccade
