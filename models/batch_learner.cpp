#include "models/batch_learner.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

BatchLearner::BatchLearner(Device& device, const NetworkSpec& network, const BatchOptions& options)
    : device_(device),
      network_(network),
      options_(options),
      schedule_(options.schedule, network.depth(), options.seed,
                std::max<std::uint64_t>(options.steps, network.layers.size())),
      parameters_(device, network, make_rule(options.rule), schedule_.heads(), options.seed),
      pair_step_(device, parameters_, options.pairs),
      bias_(device, static_cast<std::size_t>(network.head(network.depth() - 1).lanes())) {
  if (options.optimiser == "adam")
    optimiser_ = make_adam(device, network, schedule_.heads(), options.rates);
  else if (options.optimiser == "sgd")
    optimiser_ = make_sgd(device, network, options.rates);
  else
    throw InputError(
        fmt::format("optimiser: no optimiser is called \"{}\"; known are adam and sgd", options.optimiser));
  if (options.step.loss == "supervised" && schedule_.heads() != Heads::top_only)
    throw InputError(fmt::format(
        "loss \"supervised\" has one classifier, on top: expected schedule \"e2e\", found \"{}\"", options.schedule));
}

void BatchLearner::step(const std::vector<float>& a, const std::vector<float>& b,
                        const std::vector<std::int32_t>& labels) {
  PairStepOptions step = options_.step;
  step.layer = schedule_.layer(steps_);
  const int top = step.layer == end_to_end ? network_.depth() - 1 : step.layer;
  step.margins =
      options_.margins.size() == 1 ? options_.margins[0] : options_.margins.at(static_cast<std::size_t>(top));
  pair_step_.run(a, b, step, *optimiser_, labels, bias_.weights.shared(), bias_.gradient.shared());
  if (step.loss == "supervised") {
    const float rate = options_.rates.head[static_cast<std::size_t>(top)];
    if (options_.optimiser == "adam")
      bias_.step(device_, rate);
    else
      device_.sgd_step({bias_.weights.size(), {1, 1}, bias_.gradient.shared(), {}, rate, bias_.weights.shared(), {}});
  }
  ++steps_;
}

void BatchLearner::save(Checkpoint& checkpoint) const {
  checkpoint.event = steps_;
  checkpoint.instruction_set = device_.instruction_set();
  checkpoint.arithmetic = "exact";
  parameters_.save(checkpoint.tensors);
  optimiser_->save(checkpoint);
  if (options_.step.loss == "supervised") bias_.save(checkpoint, "classifier.bias");
}

void BatchLearner::load(const Checkpoint& checkpoint) {
  parameters_.load(device_, checkpoint.tensors);
  optimiser_->load(checkpoint);
  if (options_.step.loss == "supervised") bias_.load(checkpoint, "classifier.bias");
  steps_ = checkpoint.event;
}

}  // namespace saccade
