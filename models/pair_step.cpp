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
      for (int anchor = view - 1; anchor >= 0 && anchor >= view - negatives; --anchor)
        terms.push_back({anchor, view, false, negative_weight, 1.0f});
    }
  }
  return terms;
}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs)
    : PairStep(device, parameters, pairs, std::make_unique<Plasticity>(device, parameters, 2 * pairs), nullptr) {}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs, CreditAssignment& credit)
    : PairStep(device, parameters, pairs, nullptr, &credit) {}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs, std::unique_ptr<Plasticity> own,
                   CreditAssignment* given)
    : device_(device),
      parameters_(parameters),
      pairs_(pairs),
      activity_(device, parameters.network(), 2 * pairs),
      plasticity_(std::move(own)),
      credit_(given ? *given : *plasticity_),
      embedding_(device, static_cast<std::size_t>(parameters.network().head(0).lanes()), 1, 2 * pairs),
      error_(device, static_cast<std::size_t>(parameters.network().head(0).lanes()), 1, 2 * pairs),
      active_(device, 1, 1, 2 * pairs) {}

Views PairStep::forward(const std::vector<float>& a, const std::vector<float>& b, const PairStepOptions& options) {
  const NetworkSpec& network = parameters_.network();
  const std::size_t expected = network.map(0).features() * static_cast<std::size_t>(pairs_);
  const bool later_alone = options.loss == "supervised" && a.empty();
  if ((a.size() != expected && !later_alone) || b.size() != expected)
    throw std::invalid_argument(
        fmt::format("PairStep: got {} and {} numbers of pixels, expected {}", a.size(), b.size(), expected));
  const int top = options.layer == end_to_end ? network.depth() - 1 : options.layer;
  const Views both{activity_, 0, 2 * pairs_}, later{activity_, pairs_, pairs_};
  if (!later_alone) show(device_, network, a.data(), {activity_, 0, pairs_});
  show(device_, network, b.data(), later);
  const Views& seen = later_alone ? later : both;
  ascend(device_, parameters_, seen, 0, top + 1);
  embed(device_, parameters_, seen, top, embedding_.strided(seen.first));
  sums_ = {};
  sums_.pairs = pairs_;
  const bool later_only = options.loss == "supervised" || (options.loss == "hinge" && options.block);
  return later_only ? later : both;
}

double PairStep::run(const std::vector<float>& a, const std::vector<float>& b, const PairStepOptions& options,
                     Optimiser& optimiser, const std::vector<std::int32_t>& labels, ConstFloats bias,
                     Floats bias_gradient) {
  const Views learning = forward(a, b, options);
  const ConstFloats error = error_.strided(learning.first);
  if (options.loss == "hinge") {
    const double loss = hinge(options);
    credit_.learn(options.layer, learning, error, active_.strided(learning.first), optimiser);
    return loss;
  }
  if (options.loss == "simclr") {
    DeviceBuffer<float> loss(device_, 1);
    device_.simclr({parameters_.network().embedding, pairs_, options.temperature, embedding_.strided(),
                    embedding_.strided(pairs_), error_.strided(), error_.strided(pairs_), loss.data()});
    credit_.learn(options.layer, learning, error, {}, optimiser);
    sums_.loss = static_cast<double>(loss.read().front()) * pairs_;
    return loss.read().front();
  }
  if (options.loss == "supervised") {
    const double loss = supervised(labels, bias, bias_gradient);
    sums_.loss = loss * pairs_;
    credit_.learn(options.layer, learning, error, {}, optimiser);
    return loss;
  }
  throw InputError("loss: no loss is called \"" + options.loss + "\"; known are hinge, simclr and supervised");
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
  op.anchor_embedding = embedding_.strided();
  op.view_embedding = embedding_.strided(pairs_);
  op.view_error = error_.strided(pairs_);
  op.view_active = active_.strided(pairs_);
  if (!options.block) {
    op.anchor_error = error_.strided();
    op.anchor_active = active_.strided();
  }
  op.results = results.shared();
  device_.contrastive_hinge(op);
  const std::vector<HingeResult> found = results.read();
  for (std::size_t i = 0; i < terms.size(); ++i) {
    (terms[i].positive ? sums_.positives : sums_.negatives) += 1;
    (terms[i].positive ? sums_.positive_distance : sums_.negative_distance) += static_cast<double>(found[i].distance);
    (terms[i].positive ? sums_.positive_active : sums_.negative_active) += found[i].active;
    sums_.loss += static_cast<double>(found[i].loss);
  }
  return sums_.loss;
}

double PairStep::supervised(const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient) {
  const int classes = parameters_.network().embedding;
  if (labels.size() != static_cast<std::size_t>(pairs_))
    throw InputError(fmt::format("label: found {}, expected one for each of {} views", labels.size(), pairs_));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      throw InputError(fmt::format("label: number {} is {}, expected 0 to {}", i, labels[i], classes - 1));
  DeviceBuffer<std::int32_t> device_labels(device_, 1, 1, pairs_), correct(device_, 1);
  DeviceBuffer<float> loss(device_, 1);
  device_labels.write(labels);
  device_.cross_entropy({classes,
                         {1, pairs_},
                         embedding_.strided(pairs_),
                         bias,
                         device_labels.strided(),
                         error_.strided(pairs_),
                         bias_gradient,
                         loss.shared(),
                         correct.shared()});
  return loss.read().front();
}

std::vector<float> PairStep::embeddings(int first) const {
  const std::vector<float> all = embedding_.read();
  const auto size = static_cast<std::size_t>(parameters_.network().embedding);
  std::vector<float> out;
  out.reserve(size * static_cast<std::size_t>(pairs_));
  for (int i = first; i < first + pairs_; ++i) {
    const auto row = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * embedding_.size());
    out.insert(out.end(), row, row + static_cast<std::ptrdiff_t>(size));
  }
  return out;
}

}  // namespace saccade
