#include "tools/measures/representations.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/models/support.h"
#include "tests/tools/labelled_features.h"

// Against a network, its features, their scaling, neighbours and cosines in double precision.
namespace saccade {
namespace {

using namespace test;

constexpr int classes = 3;

LabelledImages gratings_of(const NetworkSpec& net, int first, int count) {
  LabelledImages images;
  images.count = static_cast<std::size_t>(count);
  images.classes = classes;
  for (int i = 0; i < count; ++i) images.labels.push_back((first + i) % classes);
  // Images of one class look alike: one object, seen with other shifts.
  images.fill = [net, first](std::size_t i, float* pixels) {
    const int number = first + static_cast<int>(i);
    const Pixels view = gratings(net, static_cast<std::uint64_t>(number % classes) + 1, 0.06 * (number % 13));
    std::copy(view.begin(), view.end(), pixels);
  };
  return images;
}

ref::LabelledRows reference_features(const NetworkSpec& net, const Parameters& parameters, const LabelledImages& images,
                                     int layer) {
  std::vector<float> pixels(net.map(0).features() * images.count);
  for (std::size_t i = 0; i < images.count; ++i) images.fill(i, pixels.data() + i * net.map(0).features());
  const int count = static_cast<int>(images.count);
  const ref::Images x = ref::average_pool(ref::forward(reference_network(net, tensors_of(parameters)), layer,
                                                       reference_images(net, pixels, count))
                                              .maps.back(),
                                          net.head_average)
                            .value;
  ref::LabelledRows rows;
  rows.labels.assign(images.labels.begin(), images.labels.end());
  rows.classes = classes;
  for (int i = 0; i < count; ++i)
    rows.rows.emplace_back(x.v.begin() + static_cast<std::ptrdiff_t>(i) * x.features(),
                           x.v.begin() + static_cast<std::ptrdiff_t>(i + 1) * x.features());
  return rows;
}

}  // namespace

TEST_CASE("nearest neighbours and similarities of a network's layers, against the reference") {
  const auto device = make_cpu_device(2);
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  for (const int average : {1, 2}) {
    const NetworkSpec net{"odd", 3, 11, 9, {{20, dense, hardtanh}, {18, pool, relu}, {17, dense, tanh}}, 20, average};
    const Parameters parameters(*device, net, make_rule("rf"), Heads::every_layer, 3);
    const std::vector<Tensor> before = tensors_of(parameters);
    const LabelledImages stored = gratings_of(net, 0, 29), tested = gratings_of(net, 100, 17);
    RepresentationOptions options{3, Metric::cosine, RepresentationOptions::Matrix::classes, 5};
    Representations measures(*device, options, {stored, {}}, {tested, {}});
    options.metric = Metric::euclidean, options.matrix = RepresentationOptions::Matrix::images;
    Representations other(*device, options, {stored, {}}, {tested, {}});
    std::map<std::pair<int, std::string>, double> got, got_other;
    for (const Measure& m : measures.measure(parameters)) got[{m.layer, m.quantity}] = m.value;
    for (const Measure& m : other.measure(parameters)) got_other[{m.layer, m.quantity}] = m.value;
    CHECK(got.size() == 9);
    REQUIRE(measures.matrices().size() == 3);
    for (int layer = 0; layer < 3; ++layer) {
      CAPTURE(layer);
      const ref::LabelledRows raw = reference_features(net, parameters, stored, layer), x = ref::standardised(raw, raw),
                              y = ref::standardised(reference_features(net, parameters, tested, layer), raw);
      CHECK(got.at({layer, "knn_accuracy"}) == ref::neighbour_accuracy(x, y, 3, true));
      CHECK(got_other.at({layer, "knn_accuracy"}) == ref::neighbour_accuracy(x, y, 3, false));
      CHECK(got.at({layer, "knn_accuracy"}) > 0.4);  // chance is 0.33
      const auto same = [&](std::size_t i, std::size_t j) { return x.labels[i] == x.labels[j]; };
      const double within = ref::mean_cosine(x, same),
                   between = ref::mean_cosine(x, [&](std::size_t i, std::size_t j) { return !same(i, j); });
      // Rounding of float32 features, divided by standard deviations.
      CHECK(std::fabs(got.at({layer, "similarity_within"}) - within) <= 2e-5);
      CHECK(std::fabs(got.at({layer, "similarity_between"}) - between) <= 2e-5);
      CHECK(within > between);
      CHECK(other.matrices()[static_cast<std::size_t>(layer)].size == 5);
      CHECK(std::fabs(other.matrices()[static_cast<std::size_t>(layer)].at(1, 3) +
                      ref::distance(x.rows[1], x.rows[3], true)) <= 2e-5);
    }
    for (std::size_t t = 0; t < before.size(); ++t) CHECK(tensors_of(parameters)[t].data == before[t].data);
  }
}

TEST_CASE("representations that have collapsed: neighbours at chance, no similarity") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net{"flat", 3, 6, 6, {{4, Downsample::none, Activation::tanh}}, 5};
  Parameters parameters(*device, net, make_rule("bp"), Heads::every_layer, 3);
  std::vector<Tensor> tensors = tensors_of(parameters);
  for (Tensor& t : tensors) std::fill(t.data.begin(), t.data.end(), 0.0f);
  parameters.load(*device, tensors);
  Representations measures(*device, {3, Metric::cosine, RepresentationOptions::Matrix::classes, 5},
                           {gratings_of(net, 0, 12), {}}, {gratings_of(net, 100, 30), {}});
  const std::vector<Measure> got = measures.measure(parameters);
  REQUIRE(got.size() == 1);
  CHECK(got[0].quantity == "knn_accuracy");
  CHECK(got[0].value == doctest::Approx(1.0 / classes));
  CHECK(std::isnan(measures.matrices()[0].at(0, 1)));
}

}  // namespace saccade
