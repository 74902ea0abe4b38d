#include "tools/calibrate/calibration.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/error.h"
#include "tools/experiment/setup.h"
#include "tools/measures/make_measures.h"
#include "tools/measures/vectors.h"

namespace saccade {
namespace {

double three_digits(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  return std::strtod(fmt::format("{:.2e}", x).c_str(), nullptr);
}

void check(const Experiment& e) {
  if (e.data == Experiment::Data::none)
    throw InputError(
        "calibrate: a recorded stream of pixels has no objects of which other views could be drawn; expected a data "
        "set, "
        "or a recording beside its own");
  if (e.schedule == Experiment::Schedule::e2e)
    throw InputError(
        "schedule = \"e2e\": calibration is for layers that learn from heads of their own; expected rll, gll or pll");
  if (e.optimiser != Experiment::Optimiser::sgd)
    throw InputError("optimiser = \"adam\": its steps do not depend on the size of gradients; expected sgd");
  if (e.loss != Experiment::Loss::hinge)
    throw InputError(fmt::format("loss = {}: calibration is for the hinge", experiment_value(e, "loss")));
}

/// Mean distances of positives and negatives at each layer of the untrained network.
std::vector<Experiment::Margins> initial_distances(Device& device, const Experiment& e, const DataSet& data,
                                                   Parameters& untrained) {
  const auto source = view_source(e, data);
  const MeasuredPairs pairs =
      measured_pairs(*source, static_cast<std::uint64_t>(e.seed), 0, static_cast<int>(e.measure.pairs));
  PairStep step(device, untrained, pairs.count);
  GradientAccumulator unused(device, e.network);
  PairStepOptions options = batch_options(e, 0).step;
  std::vector<Experiment::Margins> distances;
  for (options.layer = 0; options.layer < e.network.depth(); ++options.layer) {
    step.run(pairs.a, pairs.b, options, unused);
    const StepSums& sums = step.sums();
    distances.push_back(
        {three_digits(sums.positive_distance / sums.positives), three_digits(sums.negative_distance / sums.negatives)});
  }
  return distances;
}

}  // namespace

Calibration calibrate(Device& device, const Experiment& experiment, const DataSet& data) {
  check(experiment);
  Experiment e = experiment;
  e.measure.every = 1;
  if (e.negatives == 0) e.negatives = 1;  // m2 is wanted all the same
  Parameters untrained(device, e.network, make_rule(experiment_word(e, "rule")), Heads::every_layer,
                       static_cast<std::uint64_t>(e.seed));
  Calibration found;
  e.margins = found.margins = initial_distances(device, e, data, untrained);
  const std::vector<Measure> measures = make_measures(device, e, data)->measure(0, untrained);
  const auto of = [&](int layer, const char* quantity) {
    for (const Measure& m : measures)
      if (m.layer == layer && m.quantity == quantity && m.value > 0) return m.value;
    throw InputError(fmt::format("layer {}: the untrained network has {} 0 on these views, so no rate follows from it",
                                 layer, quantity));
  };
  std::vector<Tensor> weights;
  untrained.save(weights);
  for (int layer = 0; layer < e.network.depth(); ++layer) {
    const double size = norm(find(weights, conv_name(layer))->data);
    found.rate.conv.push_back(three_digits(Calibration::conv_step * size / of(layer, "conv_event_gradient_norm")));
    found.rate.head.push_back(three_digits(Calibration::head_step / of(layer, "feature_norm2")));
  }
  return found;
}

}  // namespace saccade
