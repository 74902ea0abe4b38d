#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/cpu/cpu_device.h"
#include "engine/elementary.h"

/// Losses and their errors at the level of embeddings.
namespace saccade::cpu {

void CpuDevice::contrastive_hinge_impl(const ContrastiveHinge& op) {
  const int lanes = round_up_to_lanes(op.embedding);
  auto pair = [&](int replica, const HingeTerm& term) {
    return HingeTask{lanes, op.anchor_embedding.at(replica, term.anchor), term.trace,
                     op.noise ? op.noise.at(replica, term.anchor) : nullptr, op.view_embedding.at(replica, term.view)};
  };
  for (int replica = 0; replica < op.replicas; ++replica) {
    const auto terms = op.terms.subspan(replica * op.terms_each(), op.terms_each());
    // Terms are sorted by view: a task owns one view, its error and its terms' results.
    run(static_cast<std::size_t>(op.views), static_cast<double>(terms.size()) * lanes, [&](std::size_t v) {
      const int view = static_cast<int>(v);
      float* error = op.view_error.at(replica, view);
      std::memset(error, 0, sizeof(float) * lanes);
      std::int32_t active = 0;
      const auto first =
          std::lower_bound(terms.begin(), terms.end(), view, [](const HingeTerm& t, int i) { return t.view < i; });
      for (auto term = first; term != terms.end() && term->view == view; ++term) {
        const HingeTask task = pair(replica, *term);
        HingeResult& result = op.results.at(replica)[term - terms.begin()];
        result.distance = kernels_.hinge_distance(task);
        const float excess =
            term->positive ? result.distance - op.positive_margin : op.negative_margin - result.distance;
        result.active = excess > 0 && term->weight > 0;
        result.loss = result.active ? term->weight * excess : 0.0f;
        if (std::isnan(excess)) result.loss = excess;  // never hidden by the threshold
        if (!result.active) continue;
        active = 1;
        // d|a - b|_1 / db = -sgn(a - b): eq. 5 for the positive, eq. 6 for a negative
        kernels_.hinge_error(task, term->positive ? -term->weight : term->weight, error);
      }
      *op.view_active.at(replica, view) = active;
    });
    if (!op.anchor_error) continue;
    for (int anchor = 0; anchor < op.anchors; ++anchor) {
      std::memset(op.anchor_error.at(replica, anchor), 0, sizeof(float) * lanes);
      *op.anchor_active.at(replica, anchor) = 0;
    }
    for (std::size_t i = 0; i < terms.size(); ++i) {  // eq. 4
      const HingeTerm& term = terms[i];
      if (!op.results.at(replica)[i].active) continue;
      kernels_.hinge_error(pair(replica, term), (term.positive ? term.weight : -term.weight) * term.trace,
                           op.anchor_error.at(replica, term.anchor));
      *op.anchor_active.at(replica, term.anchor) = 1;
    }
  }
}

/// Views of both branches together, i = 0 .. 2n - 1, partner p(i) = i +- n; u_i = x_i / |x_i|, l_ij = u_i.u_j /
/// temperature: loss = 1/n sum_i (log sum_{j != i} exp l_ij - l_{i p(i)}). In double: at 2n = 1000 this is small beside
/// the convolutions.
void CpuDevice::simclr_impl(const SimClr& op) {
  const int n = op.pairs, count = 2 * n, size = op.embedding;
  const auto total = static_cast<std::size_t>(count);
  auto embedding = [&](int i) { return i < n ? op.a.at(0, i) : op.b.at(0, i - n); };
  auto error = [&](int i) { return i < n ? op.a_error.at(0, i) : op.b_error.at(0, i - n); };
  simclr_.resize(total * (2 * size + 2 + count));
  double* const unit = simclr_.data();           // [2n][size]
  double* const across = unit + total * size;    // [size][2n], then the slopes [2n][size]
  double* const length = across + total * size;  // [2n]
  double* const losses = length + total;         // [2n]
  double* const probability = losses + total;    // [2n][2n]
  for (int i = 0; i < count; ++i) {
    double square = 0;
    for (int e = 0; e < size; ++e) square += static_cast<double>(embedding(i)[e]) * embedding(i)[e];
    length[i] = std::max(std::sqrt(square), 1e-8);
    for (int e = 0; e < size; ++e)
      across[e * total + i] = unit[static_cast<std::size_t>(i) * size + e] = embedding(i)[e] / length[i];
  }
  const double work = static_cast<double>(total * total) * size;
  run(total, work, [&](std::size_t i) {
    double* row = probability + i * count;
    const std::size_t partner = i < static_cast<std::size_t>(n) ? i + n : i - n;
    double largest = -INFINITY;
    std::fill_n(row, total, 0.0);
    for (int e = 0; e < size; ++e) {  // all products side by side: one chain of additions after the other would be slow
      const double own = unit[i * size + e];
      const double* others = across + e * total;
      for (std::size_t j = 0; j < total; ++j) row[j] += own * others[j];
    }
    for (std::size_t j = 0; j < total; ++j) {
      if (j == i) continue;
      row[j] /= op.temperature;
      largest = std::max(largest, row[j]);
    }
    const double positive = row[partner];
    double sum = 0;
    row[i] = 0;
    for (std::size_t j = 0; j < total; ++j)
      if (j != i) sum += row[j] = own_exp(row[j] - largest);
    for (std::size_t j = 0; j < total; ++j) row[j] /= sum;
    losses[i] = largest + own_log(sum) - positive;
    row[partner] -= 1;  // now d loss_i / d l_ij
  });
  double loss = 0;
  for (std::size_t i = 0; i < total; ++i) loss += losses[i];
  *op.loss = static_cast<float>(loss / n);
  run(total, work, [&](std::size_t i) {
    double* slope = across + i * size;
    std::fill_n(slope, size, 0.0);
    for (std::size_t j = 0; j < total; ++j) {
      const double both =
          (probability[i * count + j] + probability[j * count + i]) / (static_cast<double>(op.temperature) * n);
      for (int e = 0; e < size; ++e) slope[e] += both * unit[j * size + e];
    }
    double along = 0;
    for (int e = 0; e < size; ++e) along += slope[e] * unit[i * size + e];
    float* out = error(static_cast<int>(i));
    std::memset(out, 0, sizeof(float) * round_up_to_lanes(size));
    for (int e = 0; e < size; ++e) out[e] = static_cast<float>((slope[e] - along * unit[i * size + e]) / length[i]);
  });
}

void CpuDevice::cross_entropy_impl(const CrossEntropy& op) {
  for (int replica = 0; replica < op.extent.replicas; ++replica) {
    softmax_.start(op.classes, op.bias.at(replica), op.extent.views);
    for (int view = 0; view < op.extent.views; ++view)
      softmax_.add(op.scores.at(replica, view), *op.labels.at(replica, view), op.error.at(replica, view));
    softmax_.finish(op.bias_gradient.at(replica), op.loss.at(replica));
    *op.correct.at(replica) = softmax_.correct();
  }
}

}  // namespace saccade::cpu
