#include "tools/run/learned_parameters.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "models/schedule.h"
#include "tools/experiment/setup.h"

namespace saccade {

Parameters learner_parameters(Device& device, const Experiment& experiment, const Checkpoint& checkpoint,
                              const std::filesystem::path& file) {
  const LearnerOptions options = learner_options(experiment);
  const Heads heads = Schedule(options.schedule, experiment.network.depth(), options.seed, options.events).heads();
  Parameters learner(device, learned_network(experiment), make_rule(options.rule), heads, options.seed, 1,
                     options.arithmetic);
  try {
    learner.load(device, checkpoint.tensors);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", file.string(), error.what()));
  }
  return learner;
}

Parameters learned_parameters(Device& device, const Experiment& experiment, const Checkpoint& checkpoint,
                              const std::filesystem::path& file) {
  const Parameters learner = learner_parameters(device, experiment, checkpoint, file);
  Parameters encoder(device, experiment.network, make_rule("bp"), Heads::top_only,
                     static_cast<std::uint64_t>(experiment.seed), 1, experiment.arithmetic);
  copy_convolutions(device, learner, encoder);
  return encoder;
}

}  // namespace saccade
