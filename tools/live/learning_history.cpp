#include "tools/live/learning_history.h"

namespace saccade {
namespace {

constexpr double remembered = 0.99;  // of recent() at each update

LearningHistory::Sums sums_of(const UpdateRecord& update) {
  LearningHistory::Sums sums;
  sums.learners = 1;
  for (const UpdateTerm& term : update.terms) {
    sums.loss += static_cast<double>(term.loss);
    if (term.active) sums.active = 1;
    (term.positive ? sums.positives : sums.negatives) += 1;
    (term.positive ? sums.positive_distance : sums.negative_distance) += static_cast<double>(term.distance);
  }
  return sums;
}

void forget(LearningHistory::Sums& sums) {
  for (double* each : {&sums.learners, &sums.active, &sums.loss, &sums.positives, &sums.positive_distance,
                       &sums.negatives, &sums.negative_distance})
    *each *= remembered;
}

}  // namespace

void LearningHistory::Sums::add(const Sums& other) {
  learners += other.learners;
  active += other.active;
  loss += other.loss;
  positives += other.positives;
  positive_distance += other.positive_distance;
  negatives += other.negatives;
  negative_distance += other.negative_distance;
}

LearningHistory::LearningHistory(int layers, std::size_t most_stretches)
    : layers_(static_cast<std::size_t>(layers) + 1), most_(most_stretches), recent_(layers_) {}

void LearningHistory::add(std::uint64_t event, const std::vector<UpdateRecord>& updates) {
  if (stretches_.empty()) first_ = event;
  std::uint64_t at = (event - first_) / width_;
  if (at >= most_) {  // two become one
    for (std::size_t i = 0; i < stretches_.size(); ++i) {
      if (i % 2 == 0 && i > 0) stretches_[i / 2] = stretches_[i];
      if (i % 2 == 1)
        for (std::size_t layer = 0; layer < layers_; ++layer) stretches_[i / 2][layer].add(stretches_[i][layer]);
    }
    stretches_.resize((stretches_.size() + 1) / 2);
    width_ *= 2;
    at = (event - first_) / width_;
  }
  if (at >= stretches_.size()) stretches_.resize(at + 1, Stretch(layers_));
  for (const UpdateRecord& update : updates) {
    if (update.role != ViewRole::learner) continue;
    const auto layer = static_cast<std::size_t>(update.layer + 1);
    const Sums sums = sums_of(update);
    stretches_[at][layer].add(sums);
    forget(recent_[layer]);
    recent_[layer].add(sums);
  }
}

}  // namespace saccade
