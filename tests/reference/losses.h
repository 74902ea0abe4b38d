#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "engine/device.h"
#include "tests/reference/tensors.h"

/// Losses on embeddings [n][E]; errors are derivatives with respect to the embeddings.
namespace saccade::reference {

struct HingeOut {
  double loss = 0;
  std::vector<double> distances, losses;  ///< per term
  std::vector<int> active;                ///< per term
  Matrix anchor_error, view_error;        ///< exact sums of +-weight (* trace)
  std::vector<int> anchor_active, view_active;
};

/// Eqs. 2 and 4-6 for any list of terms. `blocked`: nothing reaches the anchors (eq. 7). `noise` (null: none) is added
/// to an anchor as it is read.
inline HingeOut contrastive_hinge(const Matrix& anchors, const Matrix& views, std::span<const HingeTerm> terms,
                                  double m1, double m2, bool blocked, const Matrix* noise = nullptr) {
  const auto difference = [&](const HingeTerm& term, int e) {
    return term.trace * anchors.at(term.anchor, e) + (noise ? noise->at(term.anchor, e) : 0) - views.at(term.view, e);
  };
  HingeOut r;
  r.anchor_error = Matrix(anchors.rows, anchors.columns);
  r.view_error = Matrix(views.rows, views.columns);
  r.anchor_active.assign(static_cast<std::size_t>(anchors.rows), 0);
  r.view_active.assign(static_cast<std::size_t>(views.rows), 0);
  for (const HingeTerm& term : terms) {
    double distance = 0;
    for (int e = 0; e < views.columns; ++e) distance += std::fabs(difference(term, e));
    const double excess = term.positive ? distance - m1 : m2 - distance;
    const bool active = excess > 0 && term.weight > 0;
    r.distances.push_back(distance);
    r.losses.push_back(active ? term.weight * excess : 0);
    r.active.push_back(active);
    r.loss += r.losses.back();
    if (!active) continue;
    r.view_active[static_cast<std::size_t>(term.view)] = 1;
    if (!blocked) r.anchor_active[static_cast<std::size_t>(term.anchor)] = 1;
    for (int e = 0; e < views.columns; ++e) {
      // d|trace a - b| / d(trace a), for a positive; the negative term has the opposite sign.
      const double up = (term.positive ? 1 : -1) * sgn(difference(term, e));
      r.view_error.at(term.view, e) -= term.weight * up;
      if (!blocked) r.anchor_error.at(term.anchor, e) += term.weight * term.trace * up;
    }
  }
  return r;
}

/// The batch of n pairs as terms: each pair is a positive; negatives of anchor s are views s+1..s+T without
/// wrap-around, or all other views when T < 0; sorted by view.
inline std::vector<HingeTerm> batch_terms(int n, int T, float weight) {
  std::vector<HingeTerm> terms;
  for (int view = 0; view < n; ++view)
    for (int anchor = 0; anchor < n; ++anchor) {
      if (anchor == view)
        terms.push_back({anchor, view, true, 1, 1});
      else if (T < 0 || (view > anchor && view <= anchor + T))
        terms.push_back({anchor, view, false, weight, 1});
    }
  return terms;
}

/// Eq. 2 as it is printed, straight from the double sum: the check on batch_terms and contrastive_hinge.
inline double printed_hinge_loss(const Matrix& a, const Matrix& b, int T, double weight, double m1, double m2) {
  const auto distance = [&](int s, int t) {
    double sum = 0;
    for (int e = 0; e < a.columns; ++e) sum += std::fabs(a.at(s, e) - b.at(t, e));
    return sum;
  };
  double loss = 0;
  for (int s = 0; s < a.rows; ++s) {
    loss += std::max(0.0, distance(s, s) - m1);
    const int first = T < 0 ? 0 : s + 1, last = T < 0 ? a.rows - 1 : std::min(a.rows - 1, s + T);
    for (int t = first; t <= last; ++t)
      if (t != s) loss += weight * std::max(0.0, m2 - distance(s, t));
  }
  return loss;
}

struct PairLoss {
  double loss = 0;
  Matrix a_error, b_error;
  Matrix a_scale, b_scale;  ///< what the errors of the terms add up to
};

/// Eq. 1 with the mean over the batch of each branch's terms, added: each of the 2n embeddings z_i against all others.
inline PairLoss simclr(const Matrix& a, const Matrix& b, double temperature) {
  const int n = a.rows, embedding = a.columns;
  Matrix unit(2 * n, embedding), similarity(2 * n, 2 * n), pull(2 * n, 2 * n), pull_scale(2 * n, 2 * n);
  std::vector<double> norms;
  for (int i = 0; i < 2 * n; ++i) {
    double square = 0;
    for (int e = 0; e < embedding; ++e) square += std::pow(i < n ? a.at(i, e) : b.at(i - n, e), 2);
    norms.push_back(std::sqrt(square));
    for (int e = 0; e < embedding; ++e) unit.at(i, e) = (i < n ? a.at(i, e) : b.at(i - n, e)) / norms.back();
  }
  for (int i = 0; i < 2 * n; ++i)
    for (int j = 0; j < 2 * n; ++j)
      for (int e = 0; e < embedding; ++e) similarity.at(i, j) += unit.at(i, e) * unit.at(j, e);
  PairLoss r{0, Matrix(n, embedding), Matrix(n, embedding), Matrix(n, embedding), Matrix(n, embedding)};
  for (int i = 0; i < 2 * n; ++i) {
    const int partner = (i + n) % (2 * n);
    double sum = 0;
    for (int j = 0; j < 2 * n; ++j)
      if (j != i) sum += std::exp(similarity.at(i, j) / temperature);
    r.loss += (std::log(sum) - similarity.at(i, partner) / temperature) / n;
    for (int j = 0; j < 2 * n; ++j) {
      if (j == i) continue;
      const double share = std::exp(similarity.at(i, j) / temperature) / sum;
      pull.at(i, j) = (share - (j == partner)) / (n * temperature);
      pull_scale.at(i, j) = (share + (j == partner)) / (n * temperature);
    }
  }
  for (int i = 0; i < 2 * n; ++i) {
    std::vector<double> direction(static_cast<std::size_t>(embedding), 0.0);
    double along = 0, scale = 0;
    for (int j = 0; j < 2 * n; ++j) scale += pull_scale.at(i, j) + pull_scale.at(j, i);
    for (int e = 0; e < embedding; ++e) {
      for (int j = 0; j < 2 * n; ++j)
        direction[static_cast<std::size_t>(e)] += (pull.at(i, j) + pull.at(j, i)) * unit.at(j, e);
      along += direction[static_cast<std::size_t>(e)] * unit.at(i, e);
    }
    for (int e = 0; e < embedding; ++e) {
      // The derivative of z / |z| removes the part along z.
      (i < n ? r.a_error : r.b_error).at(i % n, e) =
          (direction[static_cast<std::size_t>(e)] - along * unit.at(i, e)) / norms[static_cast<std::size_t>(i)];
      (i < n ? r.a_scale : r.b_scale).at(i % n, e) = scale / norms[static_cast<std::size_t>(i)];
    }
  }
  return r;
}

struct CrossEntropyOut {
  double loss = 0, loss_scale = 0;
  Matrix error, error_scale;
  std::vector<double> bias_gradient, bias_scale;
  int correct = 0;
};

/// Mean over the views of -log softmax(scores + bias)[label].
inline CrossEntropyOut cross_entropy(const Matrix& scores, const std::vector<double>& bias,
                                     const std::vector<int>& labels) {
  const int n = scores.rows, classes = scores.columns;
  CrossEntropyOut r;
  r.error = r.error_scale = Matrix(n, classes);
  r.bias_gradient.assign(static_cast<std::size_t>(classes), 0.0);
  r.bias_scale = r.bias_gradient;
  for (int i = 0; i < n; ++i) {
    std::vector<double> logits;
    for (int c = 0; c < classes; ++c) logits.push_back(scores.at(i, c) + bias[static_cast<std::size_t>(c)]);
    const auto top = std::max_element(logits.begin(), logits.end());  // the first of equals
    const int label = labels[static_cast<std::size_t>(i)];
    double sum = 0;
    for (double logit : logits) sum += std::exp(logit - *top);
    const double chosen = logits[static_cast<std::size_t>(label)];
    r.loss += (std::log(sum) + *top - chosen) / n;
    r.loss_scale += (std::log(sum) + std::fabs(*top) + std::fabs(chosen)) / n;
    r.correct += top - logits.begin() == label;
    for (int c = 0; c < classes; ++c) {
      const double share = std::exp(logits[static_cast<std::size_t>(c)] - *top) / sum;
      r.error.at(i, c) = (share - (c == label)) / n;
      r.error_scale.at(i, c) = (share + (c == label)) / n;
      r.bias_gradient[static_cast<std::size_t>(c)] += r.error.at(i, c);
      r.bias_scale[static_cast<std::size_t>(c)] += r.error_scale.at(i, c);
    }
  }
  return r;
}

}  // namespace saccade::reference
