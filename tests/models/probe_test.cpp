#include <doctest/doctest.h>

#include "engine/random.h"
#include "models/linear_probe.h"
#include "tests/models/support.h"
#include "tests/reference/optimisers.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr int classes = 5;
const MapShape shape = MapShape::image(6, 5, 20).compact();

/// Each class a random direction, with noise that is as large. `shuffled`: labels that have nothing to do with it.
Features made(Device& device, std::size_t count, std::uint64_t seed, bool shuffled) {
  Features f{shape, {device, shape.features(), 1, static_cast<int>(count)}, {}, classes};
  ref::Draw directions(1), draw(seed);
  std::vector<double> means(shape.features() * classes);
  directions.fill(means, -1, 1);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    const int label = draw.below(classes);
    for (std::size_t j = 0; j < shape.features(); ++j)
      values.push_back(
          static_cast<float>(means[static_cast<std::size_t>(label) * shape.features() + j] + draw.uniform(-1, 1)));
    f.labels.push_back(shuffled ? draw.below(classes) : label);
  }
  f.values.write(values);
  return f;
}

double accuracy(LinearProbe& probe, const Features& f) {
  return static_cast<double>(probe.correct(f)) / static_cast<double>(f.labels.size());
}

}  // namespace

TEST_CASE("a probe reads what the head reads: averaged maps where the network says so") {
  const auto device = make_cpu_device(2);
  NetworkSpec net{"small", 3, 7, 6, {{5, Downsample::none, Activation::tanh}}, 4};
  LabelledImages images;
  images.count = 3;
  images.classes = 2;
  images.labels = {0, 1, 0};
  images.fill = [&](std::size_t i, float* pixels) {
    const Pixels view = gratings(net, i + 1, 0);
    std::copy(view.begin(), view.end(), pixels);
  };
  Parameters whole(*device, net, make_rule("bp"), Heads::top_only, 1);
  NetworkSpec averaging = net;
  averaging.head_average = 2;
  Parameters averaged(*device, averaging, make_rule("bp"), Heads::top_only, 1);
  const Features maps = extract_features(*device, whole, 0, images, 0, 3),
                 averages = extract_features(*device, averaged, 0, images, 0, 3);
  REQUIRE((averages.shape.height == 3 && averages.shape.width == 3 && averages.shape.channels == 5));
  const std::vector<float> from = maps.values.read(), to = averages.values.read();
  REQUIRE(to.size() == 3 * 3 * 3 * 5);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t y = 0; y < 3; ++y)
      for (std::size_t x = 0; x < 3; ++x)
        for (std::size_t c = 0; c < 5; ++c) {
          double sum = 0;
          for (std::size_t k = 0; k < 4; ++k)
            sum += static_cast<double>(from[((i * 7 + 2 * y + k / 2) * 6 + 2 * x + k % 2) * 5 + c]);
          // Four terms of at most 1: three roundings of the sum.
          CHECK(std::fabs(static_cast<double>(to[((i * 3 + y) * 3 + x) * 5 + c]) - sum / 4) <= 3 * 0x1p-24);
        }
  CHECK(extract_features(*device, averaged, raw_pixels, images, 0, 3).shape.features() == 7 * 6 * 3);
}

TEST_CASE("linear probe: separable features are learned, labels without a reason stay at chance") {
  const auto device = make_cpu_device(2);
  const ProbeOptions options{.epochs = 20, .batch = 64, .rate = 1e-3f, .seed = 1};
  for (bool shuffled : {false, true}) {
    CAPTURE(shuffled);
    const Features train = made(*device, 500, 2, shuffled), test = made(*device, 1000, 3, shuffled);
    LinearProbe probe(*device, shape, classes, options);
    CHECK(probe.train(train));
    if (shuffled) {
      CHECK(std::fabs(accuracy(probe, test) - 0.2) <= 4 * std::sqrt(0.2 * 0.8 / 1000));  // four standard deviations
    } else {
      CHECK(accuracy(probe, train) == 1.0);
      CHECK(accuracy(probe, test) == 1.0);
      CHECK(probe.loss() < 0.1);
    }
  }
}

TEST_CASE("linear probe: the same bits with 1, 2 and 5 threads, avx2 and avx512; stop stops") {
  std::optional<std::pair<double, std::size_t>> first;
  for (const std::string isa : {"avx512", "avx2"})
    for (int threads : {1, 2, 5}) {
      CAPTURE(isa);
      CAPTURE(threads);
      Device* device = ref::cpu_device(isa, threads);
      if (device == nullptr) continue;
      // 333 images: the last batch is not full.
      const Features train = made(*device, 333, 2, true), test = made(*device, 777, 3, true);
      LinearProbe probe(*device, shape, classes, {.epochs = 3, .batch = 100, .rate = 1e-3f, .seed = 7});
      probe.train(train);
      const std::pair<double, std::size_t> found{probe.loss(), probe.correct(test)};
      if (!first) first = found;
      CHECK(found == *first);
    }
  const auto device = make_cpu_device(1);
  const Features train = made(*device, 50, 2, false);
  LinearProbe probe(*device, shape, classes, {.epochs = 3, .batch = 10, .rate = 1e-3f, .seed = 7});
  int asked = 0;
  double fraction = 0;
  CHECK_FALSE(probe.train(
      train, [&] { return ++asked > 7; }, [&](double done) { fraction = done; }));
  CHECK(fraction == doctest::Approx(7.0 / 15));
}

TEST_CASE("linear probe: loss before and after each of three steps against the double reference") {
  // One batch of all images, so that the loss of epoch k is the loss after k steps of Adam on weights and bias.
  const auto device = make_cpu_device(2);
  const int count = 40;
  const Features train = made(*device, count, 2, false);
  const std::vector<float> values = train.values.read();
  // The reference's head reads [E][F]; features may come in any order, here the stored one.
  ref::Images images(count, static_cast<int>(shape.features()), 1, 1);
  images.v.assign(values.begin(), values.end());
  ref::Matrix weights(classes, images.features());
  const Random random(9, Purpose::initial_weights, 1u << 30, 0);
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(images.features())));
  for (int f = 0; f < images.features(); ++f)
    for (int e = 0; e < classes; ++e)
      weights.at(e, f) =
          static_cast<double>(random.uniform(static_cast<std::uint32_t>(f * lanes_per_vector + e), -bound, bound));
  std::vector<double> bias(classes, 0.0);
  ref::Adam weight_adam{.rate = 1e-2, .m = {}, .v = {}}, bias_adam{.rate = 1e-2, .m = {}, .v = {}};
  double before = INFINITY;
  for (int epochs = 1; epochs <= 4; ++epochs) {
    CAPTURE(epochs);
    LinearProbe probe(*device, shape, classes, {.epochs = epochs, .batch = count, .rate = 1e-2f, .seed = 9});
    probe.train(train);
    const ref::CrossEntropyOut out =
        ref::cross_entropy(ref::head_forward(images, weights).value, bias, {train.labels.begin(), train.labels.end()});
    // Adam divides gradients by their size: an element next to 0 may go the other way, one of 3,000. The rest is
    // rounding.
    CHECK(std::fabs(probe.loss() - out.loss) <= 1e-5 * out.loss);
    CHECK(out.loss < before);
    before = out.loss;
    const std::vector<double> change = weight_adam.step(ref::head_weight_gradient(images, out.error).value.v),
                              bias_change = bias_adam.step(out.bias_gradient);
    for (std::size_t i = 0; i < change.size(); ++i) weights.v[i] -= change[i];
    for (std::size_t i = 0; i < bias_change.size(); ++i) bias[i] -= bias_change[i];
  }
}

TEST_CASE("extracted features are the maps that heads read, and pixels for no layer") {
  const auto device = make_cpu_device(2);
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  const NetworkSpec net{"odd", 3, 7, 5, {{20, dense, Activation::hardtanh}, {18, pool, Activation::tanh}}, 16};
  const Parameters parameters(*device, net, make_rule("bp"), Heads::every_layer, 3);
  const Pairs pairs = grating_pairs(net, 70);  // more than one chunk
  const std::size_t size = net.map(0).features();
  LabelledImages images{70, 2, std::vector<std::int32_t>(70, 1), [&](std::size_t i, float* to) {
                          std::copy_n(pairs.a.begin() + static_cast<std::ptrdiff_t>(i * size), size, to);
                        }};
  images.labels[66] = 0;
  const ref::Images all = reference_images(net, pairs.a, 70);
  const ref::Activity want = ref::forward(reference_network(net, tensors_of(parameters)), 1, all);
  for (int layer : {raw_pixels, 0, 1}) {
    CAPTURE(layer);
    const Features f = extract_features(*device, parameters, layer, images, 2, 66);
    CHECK(f.labels.size() == 66);
    CHECK(f.labels[64] == 0);
    const ref::Images& map = want.maps[static_cast<std::size_t>(layer + 1)];
    std::vector<double> expected;
    for (int i = 2; i < 68; ++i)
      for (int y = 0; y < map.h; ++y)
        for (int x = 0; x < map.w; ++x)
          for (int c = 0; c < map.c; ++c) expected.push_back(map.at(i, c, y, x));
    CHECK_CLOSE(ref::compare_norm(f.values.read(), expected, layer == raw_pixels ? 0 : 8 * ref::unit_roundoff));
  }
  CHECK_THROWS_AS(extract_features(*device, parameters, 0, images, 10, 61), std::out_of_range);
}
