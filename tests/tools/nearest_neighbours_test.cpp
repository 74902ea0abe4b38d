#include "tools/measures/nearest_neighbours.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/tools/labelled_features.h"

namespace saccade {
namespace {

using namespace test;
namespace ref = reference;

const MapShape row_of(int features) { return {1, 1, features, features, 0}; }

double accuracy(const ref::LabelledRows& stored, const ref::LabelledRows& tested, int k, Metric metric) {
  const auto device = make_cpu_device(2);
  const MapShape shape = row_of(static_cast<int>(stored.rows[0].size()));
  return neighbour_accuracy(*device, on_device(*device, stored, shape), on_device(*device, tested, shape), k, metric);
}

ref::LabelledRows points(std::vector<std::vector<double>> rows, std::vector<int> labels, int classes) {
  return {std::move(rows), std::move(labels), classes};
}

}  // namespace

TEST_CASE("nearest neighbours against the definition, on odd shapes") {
  const auto device = make_cpu_device(2);
  int differ = 0;
  for (const auto& [shape, images, tests, classes] : {std::tuple{MapShape{1, 1, 1, 1, 0}, 5, 3, 2},
                                                      std::tuple{MapShape{3, 5, 7, 7, 0}, 37, 23, 3},
                                                      std::tuple{MapShape{1, 1, 16, 16, 0}, 16, 40, 10},
                                                      std::tuple{MapShape{2, 2, 33, 33, 0}, 129, 31, 5},
                                                      {MapShape{5, 3, 300, 300, 0}, 19, 11, 4}})
    for (const int k : {1, 2, 3, 5})
      for (const Metric metric : {Metric::cosine, Metric::euclidean}) {
        if (shape.features() == 1 && metric == Metric::cosine) continue;  // all are as near, but for rounding
        CAPTURE(images);
        CAPTURE(k);
        const int features = static_cast<int>(shape.features());
        const ref::LabelledRows stored = drawn_rows(images, features, classes, 1),
                                tested = drawn_rows(tests, features, classes, 2);
        const double want = ref::neighbour_accuracy(stored, tested, k, metric == Metric::cosine);
        CHECK(neighbour_accuracy(*device, on_device(*device, stored, shape), on_device(*device, tested, shape), k,
                                 metric) == want);
        differ += want != ref::neighbour_accuracy(stored, tested, k, metric != Metric::cosine);
      }
  CHECK(differ > 0);  // the metric matters
}

TEST_CASE("votes: a majority, then the nearest of equals; distances: then the first stored") {
  const auto stored = points({{1, 0}, {2, 0}, {3, 0}, {-1, 0}, {-1, 0}}, {0, 1, 1, 2, 0}, 3);
  const auto ask = [&](double x, int label, int k) {
    return accuracy(stored, points({{x, 0}}, {label}, 3), k, Metric::euclidean);
  };
  CHECK(ask(0.9, 0, 1) == 1);
  CHECK(ask(0.9, 0, 2) == 1);  // one vote each: the nearest
  CHECK(ask(1.6, 1, 3) == 1);  // two to one
  CHECK(ask(-1, 2, 1) == 1);   // two on the same spot: the first
  CHECK(ask(-1, 2, 2) == 1);
  CHECK(ask(0.9, 0, 5) == 1);  // two, two, one: among equals the nearest
  CHECK(ask(0.9, 0, 99) == 1);
}

TEST_CASE("features that have collapsed are at chance; features that tell classes apart are not") {
  const ref::LabelledRows stored = drawn_rows(60, 20, 4, 1, 5), tested = drawn_rows(40, 20, 4, 2, 5);
  ref::LabelledRows flat_stored = stored, flat_tested = tested;
  for (auto* x : {&flat_stored, &flat_tested})
    for (auto& row : x->rows) std::fill(row.begin(), row.end(), 0.0);
  double first = 0;
  for (const int label : tested.labels) first += label == stored.labels[0];
  for (const Metric metric : {Metric::cosine, Metric::euclidean}) {
    CHECK(accuracy(stored, tested, 3, metric) > 0.95);
    CHECK(accuracy(flat_stored, flat_tested, 1, metric) == first / 40);
    CHECK(accuracy(flat_stored, flat_tested, 1, metric) < 0.4);
  }
}

TEST_CASE("features that are no numbers have no neighbours, and what cannot be compared is refused") {
  ref::LabelledRows stored = drawn_rows(6, 3, 2, 1), tested = drawn_rows(4, 3, 2, 2);
  CHECK_THROWS_AS(accuracy(stored, tested, 0, Metric::cosine), std::invalid_argument);
  const auto device = make_cpu_device(1);
  CHECK_THROWS_AS(neighbour_accuracy(*device, on_device(*device, stored, row_of(3)),
                                     on_device(*device, drawn_rows(4, 2, 2, 2), row_of(2)), 1, Metric::cosine),
                  std::invalid_argument);
  CHECK_THROWS_AS(
      neighbour_accuracy(*device, on_device(*device, stored, row_of(3)), {row_of(3), {}, {}, 2}, 1, Metric::cosine),
      std::invalid_argument);
  stored.rows[2][1] = std::numeric_limits<double>::quiet_NaN();
  for (const Metric metric : {Metric::cosine, Metric::euclidean})
    CHECK(std::isnan(accuracy(stored, tested, 1, metric)));
}

}  // namespace saccade
