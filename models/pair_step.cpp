#include "models/pair_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/error.h"

namespace saccade {

void batch_terms(int pairs, int negatives, float negative_weight, int first, int count, std::vector<HingeTerm>& terms) {
  terms.clear();
  for (int view = 0; view < count; ++view) {
    const int pair = first + view;
    terms.push_back({pair, view, true, 1.0f, 1.0f});
    if (negatives == PairStepOptions::all_others) {
      for (int anchor = pairs - 1; anchor >= 0; --anchor)
        if (anchor != pair) terms.push_back({anchor, view, false, negative_weight, 1.0f});
    } else {
      for (int anchor = pair - 1; anchor >= 0 && anchor >= pair - negatives; --anchor)
        terms.push_back({anchor, view, false, negative_weight, 1.0f});
    }
  }
}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs)
    : PairStep(device, parameters, pairs,
               std::make_unique<Plasticity>(device, parameters, std::min(2 * pairs, views_at_once)), nullptr) {}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs, CreditAssignment& credit)
    : PairStep(device, parameters, pairs, nullptr, &credit) {}

PairStep::PairStep(Device& device, Parameters& parameters, int pairs, std::unique_ptr<Plasticity> own,
                   CreditAssignment* given)
    : device_(device),
      parameters_(parameters),
      pairs_(pairs),
      plasticity_(std::move(own)),
      credit_(given ? *given : *plasticity_),
      embedding_(device, static_cast<std::size_t>(parameters.network().head(0).lanes()), 1, 2 * pairs),
      error_(device, static_cast<std::size_t>(parameters.network().head(0).lanes()), 1, 2 * pairs),
      active_(device, 1, 1, 2 * pairs),
      loss_(device, 1),
      labels_(device, 1, 1, pairs),
      correct_(device, 1) {}

Activity& PairStep::room(int views) {
  if (!activity_ || activity_->views() < views)
    activity_ = std::make_unique<Activity>(device_, parameters_.network(), views);
  return *activity_;
}

void PairStep::check_pixels(const Stimuli& a, const Stimuli& b, bool later_alone) const {
  const std::size_t features = parameters_.network().map(0).features();
  const std::size_t expected = features * static_cast<std::size_t>(pairs_);
  if ((a.values(features) != expected && !(later_alone && a.empty())) || b.values(features) != expected)
    throw std::invalid_argument(fmt::format("PairStep: got {} and {} numbers of pixels, expected {}",
                                            a.values(features), b.values(features), expected));
}

void PairStep::see(const Stimuli& stimuli, const Views& views, int top, int first) {
  show(device_, parameters_.network(), stimuli, views);
  ascend(device_, parameters_, views, 0, top + 1);
  embed(device_, parameters_, views, top, embedding_.strided(first));
}

Views PairStep::forward(const Stimuli& a, const Stimuli& b, const PairStepOptions& options) {
  const bool supervised = options.loss == "supervised";
  check_pixels(a, b, supervised);
  Activity& activity = room(2 * pairs_);
  const Views both{activity, 0, 2 * pairs_}, later{activity, pairs_, pairs_};
  const int top = top_of(options);
  if (!a.empty()) see(a, {activity, 0, pairs_}, top, 0);
  see(b, later, top, pairs_);
  sums_ = {};
  sums_.pairs = pairs_;
  return supervised || (options.loss == "hinge" && options.block) ? later : both;
}

double PairStep::run(const Stimuli& a, const Stimuli& b, const PairStepOptions& options, Optimiser& optimiser,
                     const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient) {
  if (options.loss == "hinge" && options.block && plasticity_) return blocked_hinge(a, b, options, optimiser);
  const Views learning = forward(a, b, options);
  const ConstFloats error = error_.strided(learning.first);
  if (options.loss == "hinge") {
    hinge(options, 0, pairs_);
    credit_.learn(options.layer, learning, error, active_.strided(learning.first), optimiser);
    return sums_.loss;
  }
  if (options.loss == "simclr") {
    device_.simclr({parameters_.network().embedding, pairs_, options.temperature, embedding_.strided(),
                    embedding_.strided(pairs_), error_.strided(), error_.strided(pairs_), loss_.data()});
    credit_.learn(options.layer, learning, error, {}, optimiser);
    return mean_loss();
  }
  if (options.loss == "supervised") {
    supervised(labels, bias, bias_gradient);
    credit_.learn(options.layer, learning, error, {}, optimiser);
    return mean_loss();
  }
  throw InputError("loss: no loss is called \"" + options.loss + "\"; known are hinge, simclr and supervised");
}

double PairStep::blocked_hinge(const Stimuli& a, const Stimuli& b, const PairStepOptions& options,
                               Optimiser& optimiser) {
  check_pixels(a, b, false);
  Activity& activity = room(std::min(pairs_, views_at_once));
  const int top = top_of(options);
  const auto from = [&](const Stimuli& stimuli, int first) {
    return stimuli.from(static_cast<std::size_t>(first), parameters_.network().map(0).features());
  };
  const auto in_groups = [&](auto f) {
    for (int first = 0; first < pairs_; first += views_at_once) {
      const Views group{activity, 0, std::min(views_at_once, pairs_ - first)};
      f(group, first);
    }
  };
  sums_ = {};
  sums_.pairs = pairs_;
  in_groups([&](const Views& group, int first) { see(from(a, first), group, top, first); });
  in_groups([&](const Views& group, int first) {
    see(from(b, first), group, top, pairs_ + first);
    hinge(options, first, group.count);
    plasticity_->gather(options.layer, group, error_.strided(pairs_ + first), active_.strided(pairs_ + first),
                        optimiser, first == 0);
  });
  plasticity_->change(options.layer, {1, pairs_}, active_.strided(pairs_), optimiser);
  return sums_.loss;
}

void PairStep::hinge(const PairStepOptions& options, int first, int count) {
  batch_terms(pairs_, options.negatives, options.negative_weight, first, count, terms_);
  if (results_.size() < terms_.size()) results_ = {device_, terms_.size()};
  ContrastiveHinge op;
  op.embedding = parameters_.network().embedding;
  op.anchors = pairs_;
  op.views = count;
  op.terms = terms_;
  op.positive_margin = options.margins.positive;
  op.negative_margin = options.margins.negative;
  op.anchor_embedding = embedding_.strided();
  op.view_embedding = embedding_.strided(pairs_ + first);
  op.view_error = error_.strided(pairs_ + first);
  op.view_active = active_.strided(pairs_ + first);
  if (!options.block) {
    op.anchor_error = error_.strided();
    op.anchor_active = active_.strided();
  }
  op.results = results_.shared();
  device_.contrastive_hinge(op);
  host_results_.resize(terms_.size());
  device_.read(host_results_.data(), results_.data(), terms_.size() * sizeof(HingeResult));
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    const HingeResult& found = host_results_[i];
    (terms_[i].positive ? sums_.positives : sums_.negatives) += 1;
    (terms_[i].positive ? sums_.positive_distance : sums_.negative_distance) += static_cast<double>(found.distance);
    (terms_[i].positive ? sums_.positive_active : sums_.negative_active) += found.active;
    sums_.loss += static_cast<double>(found.loss);
  }
}

double PairStep::mean_loss() {
  float loss = 0;
  device_.read(&loss, loss_.data(), sizeof loss);
  sums_.loss = static_cast<double>(loss) * pairs_;
  return loss;
}

void PairStep::supervised(const std::vector<std::int32_t>& labels, ConstFloats bias, Floats bias_gradient) {
  const int classes = parameters_.network().embedding;
  if (labels.size() != static_cast<std::size_t>(pairs_))
    throw InputError(fmt::format("label: found {}, expected one for each of {} views", labels.size(), pairs_));
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= classes)
      throw InputError(fmt::format("label: number {} is {}, expected 0 to {}", i, labels[i], classes - 1));
  labels_.write(labels);
  device_.cross_entropy({classes,
                         {1, pairs_},
                         embedding_.strided(pairs_),
                         bias,
                         labels_.strided(),
                         error_.strided(pairs_),
                         bias_gradient,
                         loss_.shared(),
                         correct_.shared()});
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
