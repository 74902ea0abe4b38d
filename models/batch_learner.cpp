#include "models/batch_learner.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

namespace {

void check(const BatchOptions& o) {
  auto refuse = [](const std::string& message) { throw InputError(message); };
  if (o.optimiser != "adam" && o.optimiser != "sgd")
    refuse(fmt::format("optimiser: no optimiser is called \"{}\"; known are adam and sgd", o.optimiser));
  if (o.step.loss == "supervised" && o.schedule != "e2e")
    refuse(fmt::format("loss \"supervised\" has one classifier, on top: expected schedule \"e2e\", found \"{}\"",
                       o.schedule));
  if (o.rule == "dtp" && o.schedule != "e2e")
    refuse(fmt::format("rule \"dtp\" is an end-to-end rule: expected schedule \"e2e\", found \"{}\"", o.schedule));
  if (o.rule == "dtp" && o.step.loss == "clapp")
    refuse("rule \"dtp\" needs a loss on an embedding: expected hinge, simclr or supervised, found \"clapp\"");
  if (o.rule != "dtp" && o.pretrain > 0)
    refuse(fmt::format("dtp.pretrain = {}: only rule \"dtp\" has autoencoders to train, found rule \"{}\"", o.pretrain,
                       o.rule));
}

}  // namespace

BatchLearner::BatchLearner(Device& device, const NetworkSpec& network, const BatchOptions& options)
    : device_(device),
      network_(network),
      options_(options),
      schedule_((check(options), options.schedule), network.depth(), options.seed,
                std::max<std::uint64_t>(options.steps, network.layers.size()), options.layer_weights),
      parameters_(device, network, make_rule(options.rule), schedule_.heads(),
                  options.weights_seed.value_or(options.seed), 1, options.arithmetic),
      optimiser_(options.optimiser == "adam" ? make_adam(device, network, schedule_.heads(), {options.rates})
                                             : make_sgd(device, network, {options.rates})),
      bias_(device, static_cast<std::size_t>(network.head(network.depth() - 1).lanes())) {
  if (options.step.loss == "clapp") {
    ClappOptions clapp;
    clapp.patches = options.clapp_patches;
    clapp.negatives = options.step.negatives;
    clapp.synchronous = options.clapp_synchronous;
    clapp.context_learns = !options.step.block;
    clapp.rate = options.rates.head.back();
    clapp.seed = options.seed;
    clapp.weights_seed = options.weights_seed;
    clapp_ = std::make_unique<ClappStep>(device, parameters_, options.pairs, clapp);
  } else if (options.rule == "dtp") {
    TargetPropagationOptions targets = options.targets;
    targets.weights_seed = options.weights_seed;
    if (options.step.loss != "hinge") targets.target_step *= static_cast<float>(options.pairs);  // the loss is a mean
    targets_ = std::make_unique<TargetPropagation>(device, parameters_, targets, options.seed, 2 * options.pairs);
    pair_step_ = std::make_unique<PairStep>(device, parameters_, options.pairs, *targets_);
  } else {
    pair_step_ = std::make_unique<PairStep>(device, parameters_, options.pairs);
  }
}

void BatchLearner::step(const Stimuli& a, const Stimuli& b, const std::vector<std::int32_t>& labels) {
  const int learning = layer(steps_);
  if (steps_ < options_.pretrain) {
    targets_->pretrain(pair_step_->forward(a, b, options_.step));
    last_ = {};
  } else if (clapp_) {
    clapp_step(a, b, learning);
  } else {
    pair_step(a, b, labels, learning);
  }
  ++steps_;
}

void BatchLearner::pair_step(const Stimuli& a, const Stimuli& b, const std::vector<std::int32_t>& labels, int layer) {
  PairStepOptions step = options_.step;
  step.layer = layer;
  const auto top = static_cast<std::size_t>(layer == end_to_end ? network_.depth() - 1 : layer);
  step.margins = options_.margins.size() == 1 ? options_.margins[0] : options_.margins.at(top);
  pair_step_->run(a, b, step, *optimiser_, labels, bias_.weights.shared(), bias_.gradient.shared());
  last_ = pair_step_->sums();
  if (!supervised()) return;
  const float rate = options_.rates.head[top];
  if (options_.optimiser == "adam")
    bias_.step(device_, rate);
  else
    device_.sgd_step(
        {bias_.weights.size(), {1, 1}, bias_.gradient.shared(), {}, bias_.of_rate(rate), bias_.weights.shared(), {}});
}

void BatchLearner::clapp_step(const Stimuli& a, const Stimuli& b, int layer) {
  const double loss = options_.clapp_patches ? clapp_->run(b.pixels, layer, steps_, *optimiser_)
                                             : clapp_->run(a, b, layer, steps_, *optimiser_);
  const ClappMeasures &positives = clapp_->positives(), &negatives = clapp_->negatives();
  last_ = {};
  last_.scores = true;
  last_.pairs = options_.pairs;
  last_.loss = loss * options_.pairs;
  last_.positives = positives.terms;
  last_.positive_distance = positives.score * positives.terms;
  last_.positive_active = positives.active * positives.terms;
  last_.negatives = negatives.terms;
  last_.negative_distance = negatives.score * negatives.terms;
  last_.negative_active = negatives.active * negatives.terms;
}

std::vector<double> BatchLearner::autoencoder_losses() const {
  std::vector<double> losses;
  for (int l = 1; targets_ && l <= network_.depth(); ++l) losses.push_back(targets_->autoencoder_loss(l));
  return losses;
}

void BatchLearner::save(Checkpoint& checkpoint) const {
  checkpoint.event = steps_;
  checkpoint.instruction_set = device_.instruction_set();
  checkpoint.arithmetic = to_string(options_.arithmetic);
  parameters_.save(checkpoint.tensors);
  optimiser_->save(checkpoint);
  if (supervised()) bias_.save(checkpoint, "classifier.bias");
  if (targets_) targets_->save(checkpoint);
  if (clapp_) clapp_->save(checkpoint);
}

void BatchLearner::load(const Checkpoint& checkpoint) {
  parameters_.load(device_, checkpoint.tensors);
  optimiser_->load(checkpoint);
  if (supervised()) bias_.load(checkpoint, "classifier.bias");
  if (targets_) targets_->load(checkpoint);
  if (clapp_) clapp_->load(checkpoint);
  steps_ = checkpoint.event;
}

}  // namespace saccade
