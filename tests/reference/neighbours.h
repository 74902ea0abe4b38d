#pragma once
#include <cmath>
#include <utility>
#include <vector>

/// Labelled vectors, k nearest neighbours and mean cosines by their definitions, in double precision, pair by pair.
namespace saccade::reference {

struct LabelledRows {
  std::vector<std::vector<double>> rows;
  std::vector<int> labels;
  int classes = 0;
};

/// Each feature without the mean of `by`, in units of its standard deviation there; 0 where it does not vary there.
inline LabelledRows standardised(LabelledRows x, const LabelledRows& by) {
  const auto n = static_cast<double>(by.rows.size());
  for (std::size_t f = 0; f < by.rows[0].size(); ++f) {
    double mean = 0, variance = 0;
    for (const auto& row : by.rows) mean += row[f] / n;
    for (const auto& row : by.rows) variance += (row[f] - mean) * (row[f] - mean) / n;
    for (auto& row : x.rows) row[f] = variance > 0 ? (row[f] - mean) / std::sqrt(variance) : 0;
  }
  return x;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline double distance(const std::vector<double>& a, const std::vector<double>& b, bool cosine) {
  if (cosine) return dot(a, a) > 0 && dot(b, b) > 0 ? -dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)) : 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

/// One neighbour after the other: the nearest that has not voted yet.
inline double neighbour_accuracy(const LabelledRows& stored, const LabelledRows& tested, int k, bool cosine) {
  double correct = 0;
  for (std::size_t t = 0; t < tested.rows.size(); ++t) {
    std::vector<bool> voted(stored.rows.size());
    std::vector<int> votes(static_cast<std::size_t>(stored.classes)), order;
    for (int n = 0; n < k; ++n) {
      int nearest = -1;
      double least = 0;
      for (std::size_t i = 0; i < stored.rows.size(); ++i) {
        const double d = distance(stored.rows[i], tested.rows[t], cosine);
        if (!voted[i] && (nearest < 0 || d < least)) nearest = static_cast<int>(i), least = d;
      }
      voted[static_cast<std::size_t>(nearest)] = true;
      order.push_back(stored.labels[static_cast<std::size_t>(nearest)]);
      ++votes[static_cast<std::size_t>(order.back())];
    }
    int winner = order[0];
    for (const int label : order)
      if (votes[static_cast<std::size_t>(label)] > votes[static_cast<std::size_t>(winner)]) winner = label;
    correct += winner == tested.labels[t];
  }
  return correct / static_cast<double>(tested.rows.size());
}

/// Mean cosine over all pairs (i, j), i != j, for which `counts(i, j)`; NaN where there is none.
template <class F>
double mean_cosine(const LabelledRows& x, F counts) {
  double sum = 0, pairs = 0;
  for (std::size_t i = 0; i < x.rows.size(); ++i)
    for (std::size_t j = 0; j < x.rows.size(); ++j)
      if (i != j && dot(x.rows[i], x.rows[i]) > 0 && dot(x.rows[j], x.rows[j]) > 0 && counts(i, j))
        sum -= distance(x.rows[i], x.rows[j], true), pairs += 1;
  return sum / pairs;
}

}  // namespace saccade::reference
