#include "streams/resize.h"

#include <doctest/doctest.h>

#include <cmath>

#include "files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

Picture noise_picture(int height, int width, int channels, std::uint32_t seed = 1) {
  return {height, width, channels, noise(static_cast<std::size_t>(height * width * channels), seed)};
}

/// The definition, both axes at once, in double.
double reference(const Picture& picture, const Crop& crop, int height, int width, int y, int x, int c) {
  const auto weight = [](int input, int output, int inputs, int outputs) {
    const double scale = static_cast<double>(inputs) / outputs;
    return std::fmax(0.0, 1 - std::fabs(input + 0.5 - (output + 0.5) * scale) / std::fmax(1.0, scale));
  };
  double sum = 0, weights = 0;
  for (int i = 0; i < crop.height; ++i)
    for (int j = 0; j < crop.width; ++j) {
      const double w = weight(i, y, crop.height, height) * weight(j, x, crop.width, width);
      const int place = ((crop.top + i) * picture.width + crop.left + j) * picture.channels + c;
      sum += w * picture.bytes[static_cast<std::size_t>(place)];
      weights += w;
    }
  return sum / weights;
}

bool same(const Crop& a, const Crop& b) {
  return a.top == b.top && a.left == b.left && a.height == b.height && a.width == b.width;
}

}  // namespace

TEST_CASE("resized: the slow definition in double, to half a step") {
  struct Shape {
    int height, width, to_height, to_width;
  };
  for (const Shape& s : {Shape{1, 1, 1, 1},
                         {1, 1, 3, 5},
                         {7, 5, 1, 1},
                         {9, 13, 4, 4},
                         {4, 4, 9, 13},
                         {13, 9, 5, 32},
                         {33, 31, 32, 32},
                         {2, 50, 8, 3},
                         {40, 17, 40, 3}})
    for (const int channels : {1, 3})
      for (const Fit fit : {Fit::crop, Fit::stretch}) {
        CAPTURE(s.height);
        CAPTURE(s.to_height);
        CAPTURE(channels);
        const Picture picture = noise_picture(s.height, s.width, channels);
        const Picture result = resized(picture, s.to_height, s.to_width, fit);
        REQUIRE(result.bytes.size() == static_cast<std::size_t>(s.to_height * s.to_width * channels));
        const Crop crop = fitted(s.height, s.width, s.to_height, s.to_width, fit);
        double worst = 0;
        for (int y = 0; y < s.to_height; ++y)
          for (int x = 0; x < s.to_width; ++x)
            for (int c = 0; c < channels; ++c) {
              const double expected = reference(picture, crop, s.to_height, s.to_width, y, x, c);
              const int got = result.bytes[static_cast<std::size_t>((y * s.to_width + x) * channels + c)];
              worst = std::fmax(worst, std::fabs(got - expected));
            }
        CHECK(worst <= 0.5 + 1e-3);  // rounding to a byte; sums of at most some hundred floats of 255 * 2^-24
      }
}

TEST_CASE("resized: the same size is the same picture, one value stays that value") {
  const Picture picture = noise_picture(6, 7, 3);
  CHECK(resized(picture, 6, 7).bytes == picture.bytes);
  for (const int value : {0, 1, 127, 254, 255}) {
    const Picture flat{9, 14, 3, Bytes(9 * 14 * 3, static_cast<std::uint8_t>(value))};
    CHECK(resized(flat, 4, 5).bytes == Bytes(4 * 5 * 3, static_cast<std::uint8_t>(value)));
    CHECK(resized(flat, 20, 33).bytes == Bytes(20 * 33 * 3, static_cast<std::uint8_t>(value)));
  }
}

TEST_CASE("resized: golden bits, the same in every build") {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const auto& [height, width] : {std::pair{97, 61}, {11, 200}, {16, 16}})
    for (const std::uint8_t byte : resized(noise_picture(height, width, 3), 32, 32).bytes)
      hash = (hash ^ byte) * 1099511628211u;
  CHECK(hash == 15145694372480982680u);
}

TEST_CASE("fitted: the largest centred rectangle of the aspect") {
  CHECK(same(fitted(40, 100, 32, 32, Fit::crop), {0, 30, 40, 40}));
  CHECK(same(fitted(101, 40, 32, 32, Fit::crop), {30, 0, 40, 40}));
  CHECK(same(fitted(40, 100, 32, 32, Fit::stretch), {0, 0, 40, 100}));
  CHECK(same(fitted(60, 60, 20, 40, Fit::crop), {15, 0, 30, 60}));
  CHECK(same(fitted(5, 5, 2, 3, Fit::crop), {1, 0, 3, 5}));           // 10 / 3 to the nearest
  CHECK(same(fitted(1, 1000, 1, 4096, Fit::crop), {0, 0, 1, 1000}));  // as wide as there is
  CHECK(same(fitted(1000, 1, 1, 4096, Fit::crop), {499, 0, 1, 1}));
  CHECK(same(fitted(65535, 1024, 4096, 4096, Fit::crop), {32255, 0, 1024, 1024}));
}

TEST_CASE("resized: sizes that do not fit are a mistake of the caller") {
  CHECK_THROWS_AS(resized({2, 2, 3, Bytes(11)}, 4, 4), std::invalid_argument);
  CHECK_THROWS_AS(resized({2, 2, 2, Bytes(8)}, 4, 4), std::invalid_argument);
  CHECK_THROWS_AS(resized({0, 2, 3, {}}, 4, 4), std::invalid_argument);
  CHECK_THROWS_AS(resized({2, 2, 1, Bytes(4)}, 0, 4), std::invalid_argument);
}
