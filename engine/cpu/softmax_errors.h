#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/elementary.h"
#include "engine/shapes.h"

namespace saccade::cpu {

/// Softmax cross-entropy and its errors, view after view, in double: small beside the products that make the scores.
class SoftmaxErrors {
 public:
  /// Begins anew. The loss will be the mean over `views` views, which have to be added.
  void start(int classes, const float* bias, int views) {
    classes_ = classes;
    views_ = views;
    bias_ = bias;
    scores_.resize(static_cast<std::size_t>(classes));
    bias_gradient_.assign(static_cast<std::size_t>(classes), 0.0);
    loss_ = 0;
    correct_ = 0;
  }

  /// error = derivative of the loss with respect to the scores.
  void add(const float* scores, std::int32_t label, float* error) {
    for (int c = 0; c < classes_; ++c) scores_[c] = static_cast<double>(scores[c]) + bias_[c];
    const auto best = std::max_element(scores_.begin(), scores_.end());
    correct_ += best - scores_.begin() == label;
    const double largest = *best, own = scores_[label];
    double sum = 0;
    for (double& score : scores_) sum += score = own_exp(score - largest);
    loss_ += own_log(sum) + largest - own;
    std::memset(error, 0, sizeof(float) * round_up_to_lanes(classes_));
    for (int c = 0; c < classes_; ++c) {
      const double slope = (scores_[c] / sum - (c == label)) / views_;
      error[c] = static_cast<float>(slope);
      bias_gradient_[c] += slope;
    }
  }

  void finish(float* bias_gradient, float* loss) const {
    std::memset(bias_gradient, 0, sizeof(float) * round_up_to_lanes(classes_));
    for (int c = 0; c < classes_; ++c) bias_gradient[c] = static_cast<float>(bias_gradient_[c]);
    *loss = static_cast<float>(loss_ / views_);
  }
  /// Views whose largest score is their label's (the first of equals).
  std::int32_t correct() const { return correct_; }

 private:
  int classes_ = 0, views_ = 0;
  const float* bias_ = nullptr;
  std::vector<double> scores_, bias_gradient_;
  double loss_ = 0;
  std::int32_t correct_ = 0;
};

}  // namespace saccade::cpu
