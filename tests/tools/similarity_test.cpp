#include "tools/measures/similarity.h"

#include <doctest/doctest.h>

#include "tests/tools/labelled_features.h"

namespace saccade {
namespace {

using namespace test;
namespace ref = reference;

bool close(double got, double want) { return std::isnan(want) ? std::isnan(got) : std::fabs(got - want) <= 1e-12; }

}  // namespace

TEST_CASE("similarities against all pairs, one by one") {
  const auto device = make_cpu_device(2);
  for (const auto& [shape, images, classes] :
       {std::tuple{MapShape{1, 1, 2, 2, 0}, 3, 2}, std::tuple{MapShape{3, 5, 7, 7, 0}, 37, 3},
        std::tuple{MapShape{1, 1, 33, 33, 0}, 41, 10}}) {
    ref::LabelledRows x = drawn_rows(images, static_cast<int>(shape.features()), classes, 1);
    std::fill(x.rows[1].begin(), x.rows[1].end(), 0.0);  // no direction
    const Features features = on_device(*device, x, shape);
    const auto same = [&](std::size_t i, std::size_t j) { return x.labels[i] == x.labels[j]; };
    const Similarity got = class_similarity(*device, features);
    REQUIRE(got.size == classes);
    CHECK(close(got.within, ref::mean_cosine(x, same)));
    CHECK(close(got.between, ref::mean_cosine(x, [&](std::size_t i, std::size_t j) { return !same(i, j); })));
    for (int g = 0; g < classes; ++g)
      for (int h = 0; h < classes; ++h) {
        CAPTURE(g);
        CAPTURE(h);
        const double want =
            ref::mean_cosine(x, [&](std::size_t i, std::size_t j) { return x.labels[i] == g && x.labels[j] == h; });
        CHECK(close(got.at(g, h), want));
        if (!std::isnan(want)) CHECK(!close(got.at(g, h), want + 1e-9));  // the detector detects
      }
    const int first = images / 2 + 1;
    const Similarity single = image_similarity(*device, features, first);
    REQUIRE(single.size == first);
    for (int i = 0; i < first; ++i)
      for (int j = 0; j < first; ++j) {
        const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
        const double want = i == 1 || j == 1 ? std::nan("") : -ref::distance(x.rows[a], x.rows[b], true);
        CHECK(close(single.at(i, j), want));
      }
    const auto among = [&](bool own) {
      return ref::mean_cosine(x, [&](std::size_t i, std::size_t j) {
        return i < static_cast<std::size_t>(first) && j < static_cast<std::size_t>(first) && same(i, j) == own;
      });
    };
    CHECK(close(single.within, among(true)));
    CHECK(close(single.between, among(false)));
    CHECK(image_similarity(*device, features, 10'000).size == images);
  }
}

TEST_CASE("features that have collapsed have no similarity") {
  const auto device = make_cpu_device(1);
  ref::LabelledRows x = drawn_rows(9, 4, 3, 1);
  for (auto& row : x.rows) std::fill(row.begin(), row.end(), 0.0);
  const Similarity got = class_similarity(*device, on_device(*device, x, {1, 1, 4, 4, 0}));
  CHECK(std::isnan(got.within));
  CHECK(std::isnan(got.between));
  CHECK(std::isnan(got.at(0, 0)));
}

}  // namespace saccade
