#include "tools/measures/nearest_neighbours.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tools/measures/vectors.h"

namespace saccade {
namespace {

std::vector<double> squared_norms(const std::vector<float>& rows, std::size_t count) {
  std::vector<double> norms;
  const std::size_t features = rows.size() / count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const float> row = std::span(rows).subspan(i * features, features);
    norms.push_back(inner_product(row, row));
  }
  return norms;
}

/// [tested][lanes]: inner products with the stored rows, which a head with a unit for each of them computes.
std::vector<float> products(Device& device, const HeadShape& shape, const std::vector<float>& stored,
                            const Features& tested) {
  const std::size_t features = shape.in.features(), lanes = static_cast<std::size_t>(shape.lanes());
  std::vector<float> transposed(shape.weights());
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape.embedding); ++i)
    for (std::size_t f = 0; f < features; ++f) transposed[f * lanes + i] = stored[i * features + f];
  const DeviceBuffer<float> weights(device, transposed.size());
  weights.write(transposed);
  const DeviceBuffer<float> out(device, lanes, 1, tested.values.views());
  device.head_forward({shape, {1, tested.values.views()}, tested.values.strided(), weights.shared(), out.strided()});
  return out.read();
}

std::int32_t vote(const std::vector<double>& distance, const std::vector<std::int32_t>& labels, int classes,
                  std::size_t k) {
  std::vector<std::size_t> nearest(distance.size());
  std::iota(nearest.begin(), nearest.end(), std::size_t{0});
  std::partial_sort(
      nearest.begin(), nearest.begin() + static_cast<std::ptrdiff_t>(k), nearest.end(),
      [&](std::size_t a, std::size_t b) { return distance[a] != distance[b] ? distance[a] < distance[b] : a < b; });
  std::vector<int> votes(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < k; ++i) ++votes[static_cast<std::size_t>(labels[nearest[i]])];
  const int most = *std::max_element(votes.begin(), votes.end());
  return labels[*std::find_if(nearest.begin(), nearest.end(),
                              [&](std::size_t i) { return votes[static_cast<std::size_t>(labels[i])] == most; })];
}

}  // namespace

double neighbour_accuracy(Device& device, const Features& stored, const Features& tested, int k, Metric metric) {
  const std::size_t there = stored.labels.size(), asked = tested.labels.size();
  if (stored.shape != tested.shape || k < 1 || there == 0 || asked == 0)
    throw std::invalid_argument("neighbour_accuracy: nothing to compare");
  const std::vector<float> rows = stored.values.read();
  const HeadShape shape{stored.shape, static_cast<int>(there)};
  const std::vector<float> product = products(device, shape, rows, tested);
  const std::vector<double> own = squared_norms(rows, there), other = squared_norms(tested.values.read(), asked);
  std::size_t correct = 0;
  std::vector<double> distance(there);
  for (std::size_t t = 0; t < asked; ++t) {
    for (std::size_t i = 0; i < there; ++i) {
      const double p = product[t * static_cast<std::size_t>(shape.lanes()) + i];
      const double norms = std::sqrt(own[i] * other[t]);
      distance[i] = metric == Metric::euclidean ? own[i] + other[t] - 2 * p : norms == 0 ? 0 : -p / norms;
      if (std::isnan(distance[i])) return std::nan("");  // a network that has diverged
    }
    correct += vote(distance, stored.labels, stored.classes,
                    std::min<std::size_t>(static_cast<std::size_t>(k), there)) == tested.labels[t];
  }
  return static_cast<double>(correct) / static_cast<double>(asked);
}

}  // namespace saccade
