#include "tools/measures/make_measures.h"

#include "engine/error.h"
#include "tools/experiment/setup.h"

namespace saccade {

std::unique_ptr<LearningMeasures> make_measures(Device& device, const Experiment& e, const DataSet& data) {
  if (e.measure.every == 0) return nullptr;
  if (e.data == Experiment::Data::none)
    throw InputError(
        "measure.every: a recorded stream of pixels has no objects of which other views could be drawn; expected 0, or "
        "a recording beside its data set");
  const BatchOptions batch = batch_options(e, 0);
  MeasureOptions options;
  options.seed = e.seed_of_weights();
  options.head_measures = e.loss != Experiment::Loss::clapp;
  options.heads =
      e.schedule == Experiment::Schedule::e2e || !options.head_measures ? Heads::top_only : Heads::every_layer;
  options.rule = batch.rule;
  options.arithmetic = Arithmetic::fast;  // its roundings are far below what a measure can tell
  options.margins = batch.margins;
  if (e.loss == Experiment::Loss::hinge || e.loss == Experiment::Loss::simclr) options.loss = batch.step;
  const auto pairs = static_cast<int>(e.measure.pairs);
  const auto source = view_source(e, data);
  return std::make_unique<LearningMeasures>(device, e.network, options, measured_pairs(*source, batch.seed, 0, pairs),
                                            measured_pairs(*source, batch.seed, pairs, pairs));
}

}  // namespace saccade
