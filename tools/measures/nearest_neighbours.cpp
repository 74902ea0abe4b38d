#include "tools/measures/nearest_neighbours.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tools/measures/vectors.h"

namespace saccade {
namespace {

/// Copies of all features at once would take gigabytes on large maps: rows, or blocks of features, come one by one.
std::vector<double> squared_norms(Device& device, const Features& x) {
  std::vector<double> norms;
  std::vector<float> row(x.shape.features());
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    device.read(row.data(), x.values.data() + i * row.size(), row.size() * sizeof(float));
    norms.push_back(inner_product(row, row));
  }
  return norms;
}

/// [tested][lanes]: inner products with the stored rows, which a head with a unit for each of them computes.
std::vector<float> products(Device& device, const HeadShape& shape, const Features& stored, const Features& tested) {
  const std::size_t features = shape.in.features(), lanes = static_cast<std::size_t>(shape.lanes());
  const DeviceBuffer<float> weights(device, shape.weights());
  constexpr std::size_t block = 4096;
  std::vector<float> part(block), transposed(block * lanes);
  for (std::size_t first = 0; first < features; first += block) {
    const std::size_t count = std::min(block, features - first);
    for (std::size_t i = 0; i < stored.labels.size(); ++i) {
      device.read(part.data(), stored.values.data() + i * features + first, count * sizeof(float));
      for (std::size_t f = 0; f < count; ++f) transposed[f * lanes + i] = part[f];
    }
    device.write(weights.data() + first * lanes, transposed.data(), count * lanes * sizeof(float));
  }
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
  const HeadShape shape{stored.shape, static_cast<int>(there)};
  const std::vector<float> product = products(device, shape, stored, tested);
  const std::vector<double> own = squared_norms(device, stored), other = squared_norms(device, tested);
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
