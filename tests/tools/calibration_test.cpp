#include "tools/calibrate/calibration.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "models/online_learner.h"
#include "tools/experiment/setup.h"

using namespace saccade;

namespace {

/// Blobs of 28x28 at places of their own.
DataSet blobs() {
  DataSet data;
  data.train = {"made", 28, 28, 1, {"only"}, {}, {}};
  for (int n = 0; n < 60; ++n) {
    data.train.labels.push_back(0);
    for (int y = 0; y < 28; ++y)
      for (int x = 0; x < 28; ++x) {
        const double dx = x - 6 - n % 5 * 4, dy = y - 6 - n / 5 % 4 * 5, size = 4 + n % 7;
        data.train.pixels.push_back(static_cast<std::uint8_t>(230 * std::exp(-(dx * dx + dy * dy) / size)));
      }
  }
  return data;
}

const char* const settings =
    "data = \"mnist\"\nimages = 60\nmeasure.pairs = 40\nschedule = \"pll\"\nnegatives = 3\n"
    "network.layers = [{channels = 8, pool = true, activation = \"tanh\"}, {channels = 12, activation = \"hardtanh\"}]";

Experiment experiment(const std::vector<std::string>& more = {}) { return parse_experiment(settings, "test", more); }

}  // namespace

TEST_CASE("calibrated margins: with them half of the first comparisons are active, whatever the scale of a layer") {
  const auto device = make_cpu_device(2);
  const DataSet data = blobs();
  Experiment e = experiment();
  const Calibration found = calibrate(*device, e, data);
  REQUIRE(found.margins.size() == 2);
  e.margins = found.margins;
  e.rate = {{0}, {0}, 1};
  OnlineLearner learner(*device, e.network, learner_options(e));
  const auto stream = event_stream(e, data);
  double active[2][2] = {}, terms[2][2] = {};  // [layer][positive]
  for (int views = 0; views < 400;) {
    const auto next = stream->next();
    learner.handle(next->event);
    if (!std::holds_alternative<View>(next->event)) continue;
    ++views;
    for (const UpdateRecord& record : learner.records())
      for (const UpdateTerm& term : record.terms)
        ++terms[record.layer][term.positive], active[record.layer][term.positive] += term.active;
  }
  for (int layer : {0, 1})
    for (int positive : {0, 1}) {
      CAPTURE(layer);
      CAPTURE(positive);
      CHECK(active[layer][positive] > 0.25 * terms[layer][positive]);
      CHECK(active[layer][positive] < 0.75 * terms[layer][positive]);
    }
  CHECK(found.margins[0].positive < found.margins[0].negative);
}

TEST_CASE("calibrated rates: a head's takes the features' size into account, a convolution's the weights'") {
  const auto device = make_cpu_device(2);
  const DataSet data = blobs();
  const Experiment e = experiment();
  const Calibration found = calibrate(*device, e, data);
  // The same by hand for the head of layer 1.
  Parameters untrained(*device, e.network, make_rule("bp"), Heads::every_layer, static_cast<std::uint64_t>(e.seed));
  const auto source = view_source(e, data);
  Activity activity(*device, e.network, 1);
  double norm2 = 0;
  constexpr int views = 300;
  std::vector<float> pixels(28 * 28);
  for (int i = 0; i < views; ++i) {
    source->render(source->draw(static_cast<std::uint32_t>(i % 60), static_cast<std::uint64_t>(i), 1), pixels.data());
    show(*device, e.network, pixels, {activity, 0, 1});
    ascend(*device, untrained, {activity, 0, 1}, 0, 2);
    for (const float x : activity.map_buffer(2).read())
      norm2 += static_cast<double>(x) * static_cast<double>(x) / views;
  }
  // Other views of the same objects: 40 against 300 of them.
  CHECK(found.rate.head[1] * norm2 == doctest::Approx(Calibration::head_step).epsilon(0.2));
  for (const double rate : found.rate.conv) CHECK((rate > 1e-6 && rate < 1));
}

TEST_CASE("what cannot be calibrated is refused") {
  const auto device = make_cpu_device(1);
  const DataSet data = blobs();
  for (const auto& [keys, expected] : {std::pair{std::vector<std::string>{"schedule=e2e"}, "rll, gll or pll"},
                                       {{"optimiser=adam"}, "sgd"},
                                       {{"loss=simclr"}, "hinge"}}) {
    std::string message;
    try {
      calibrate(*device, experiment(keys), data);
    } catch (const InputError& error) {
      message = error.what();
    }
    CHECK(message.find(expected) != std::string::npos);
  }
  DataSet black = blobs();
  std::fill(black.train.pixels.begin(), black.train.pixels.end(), std::uint8_t{0});
  CHECK_THROWS_AS(calibrate(*device, experiment(), black), InputError);
}
