#include "tools/run/together.h"

#include "tools/experiment/setup.h"
#include "tools/run/replay.h"

namespace saccade {

std::optional<Experiment> shared_experiment(const Experiment& experiment) {
  if (against_replay(experiment)) return {};
  Experiment e = experiment;
  const Experiment plain;
  e.negative_weight = plain.negative_weight;
  e.rate.conv = e.rate.head = {0};
  e.weights_seed = Experiment::as_seed;
  if (e.memory.mode == Experiment::MemoryMode::sliding && e.block && e.activity == Experiment::Activity::hebb)
    e.memory.window = plain.memory.window, e.negatives = plain.negatives;
  return e;
}

LearnerOptions learner_together(const std::vector<const Experiment*>& experiments) {
  LearnerOptions together = learner_options(*experiments.front());
  together.replicas = static_cast<int>(experiments.size());
  for (const Experiment* experiment : experiments) {
    const LearnerOptions own = learner_options(*experiment);
    together.variants.push_back(
        {own.memory.negatives, own.memory.negative_weight, own.memory.window, own.rates, own.weights_seed});
  }
  return together;
}

}  // namespace saccade
