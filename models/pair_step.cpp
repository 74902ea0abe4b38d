#include "models/pair_step.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

std::vector<HingeTerm> batch_terms(int pairs, int negatives, float negative_weight) {
  std::vector<HingeTerm> terms;
  for (int view = 0; view < pairs; ++view) {
    terms.push_back({view, view, true, 1.0f, 1.0f});
    if (negatives == PairStepOptions::all_others) {
      for (int anchor = pairs - 1; anchor >= 0; --anchor)
        if (anchor != view) terms.push_back({anchor, view, false, negative_weight, 1.0f});
    } else {
      for (int anchor = view - 1; anchor >= 0 && anchor >= view - negatives; --anchor) terms.push_back({anchor, view, false, negative_weight, 1.0f});
    }
  }
  return terms;
}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs)
    : device_(device),
      parameters_(parameters),
      pairs_(pairs),
      a_(device, parameters.network(), pairs),
      b_(device, parameters.network(), pairs),
      plasticity_(device, parameters, pairs) {
  const auto lanes = static_cast<std::size_t>(parameters.network().head(0).lanes());
  for (auto* buffer : {&embedding_a_, &embedding_b_, &error_a_, &error_b_}) *buffer = {device, lanes, 1, pairs};
  for (auto* buffer : {&active_a_, &active_b_}) *buffer = {device, 1, 1, pairs};
}

double PairStep::run(const std::vector<float>& a, const std::vector<float>& b, const PairStepOptions& options, Optimiser& optimiser,
                     const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient) {
  const NetworkSpec& network = parameters_.network();
  const std::size_t expected = network.map(0).features() * static_cast<std::size_t>(pairs_);
  if (a.size() != expected || b.size() != expected)
    throw std::invalid_argument(fmt::format("PairStep: got {} and {} numbers of pixels, expected {}", a.size(), b.size(), expected));
  const int top = options.layer == end_to_end ? network.depth() - 1 : options.layer;
  const Views views_a{a_, 0, pairs_}, views_b{b_, 0, pairs_};
  for (const auto& [pixels, views, embedding] : {std::tuple{&a, &views_a, &embedding_a_}, std::tuple{&b, &views_b, &embedding_b_}}) {
    show(device_, network, pixels->data(), *views);
    ascend(device_, parameters_, *views, 0, top + 1);
    embed(device_, parameters_, *views, top, embedding->strided());
  }

  double loss = 0;
  ConstFlags active_a = active_a_.strided(), active_b = active_b_.strided();
  anchors_learn_ = false;
  if (options.loss == "hinge") {
    loss = hinge(options);
  } else if (options.loss == "simclr") {
    DeviceBuffer<float> value(device_, 1);
    device_.simclr({network.embedding, pairs_, options.temperature, embedding_a_.strided(), embedding_b_.strided(), error_a_.strided(),
                    error_b_.strided(), value.data()});
    loss = value.read().front();
    anchors_learn_ = true;
    active_a = active_b = {};
  } else if (options.loss == "supervised") {
    loss = supervised(labels, bias, bias_gradient);
    active_b = {};
  } else {
    throw InputError("loss: no loss is called \"" + options.loss + "\"; known are hinge, simclr and supervised");
  }
  if (anchors_learn_) plasticity_.learn(options.layer, views_a, error_a_.strided(), active_a, optimiser);
  plasticity_.learn(options.layer, views_b, error_b_.strided(), active_b, optimiser);
  return loss;
}

double PairStep::hinge(const PairStepOptions& options) {
  const std::vector<HingeTerm> terms = batch_terms(pairs_, options.negatives, options.negative_weight);
  DeviceBuffer<HingeResult> results(device_, terms.size());
  ContrastiveHinge op;
  op.embedding = parameters_.network().embedding;
  op.anchors = op.views = pairs_;
  op.terms = terms;
  op.positive_margin = options.margins.positive;
  op.negative_margin = options.margins.negative;
  op.anchor_embedding = embedding_a_.strided();
  op.view_embedding = embedding_b_.strided();
  op.view_error = error_b_.strided();
  op.view_active = active_b_.strided();
  anchors_learn_ = !options.block;
  if (anchors_learn_) {
    op.anchor_error = error_a_.strided();
    op.anchor_active = active_a_.strided();
  }
  op.results = results.shared();
  device_.contrastive_hinge(op);
  double loss = 0;
  for (const HingeResult& result : results.read()) loss += result.loss;
  return loss;
}

double PairStep::supervised(const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient) {
  const int classes = parameters_.network().embedding;
  if (labels.size() != static_cast<std::size_t>(pairs_)) throw InputError(fmt::format("label: found {}, expected one for each of {} views", labels.size(), pairs_));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      throw InputError(fmt::format("label: number {} is {}, expected 0 to {}", i, labels[i], classes - 1));
  DeviceBuffer<std::int32_t> device_labels(device_, 1, 1, pairs_), correct(device_, 1);
  DeviceBuffer<float> loss(device_, 1);
  device_labels.write(labels);
  device_.cross_entropy({classes, {1, pairs_}, embedding_b_.strided(), bias, device_labels.strided(), error_b_.strided(), bias_gradient,
                         loss.shared(), correct.shared()});
  return loss.read().front();
}

std::vector<float> PairStep::compact(const DeviceBuffer<float>& embedding) const {
  const std::vector<float> all = embedding.read();
  const auto size = static_cast<std::size_t>(parameters_.network().embedding);
  std::vector<float> out;
  out.reserve(size * static_cast<std::size_t>(pairs_));
  for (std::size_t i = 0; i < static_cast<std::size_t>(pairs_); ++i)
    out.insert(out.end(), all.begin() + static_cast<std::ptrdiff_t>(i * embedding.size()), all.begin() + static_cast<std::ptrdiff_t>(i * embedding.size() + size));
  return out;
}

}  // namespace saccade
