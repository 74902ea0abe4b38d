#include "tools/measures/similarity.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace saccade {
namespace {

/// Of the first images, as many as there are labels. Unit vectors u of a group g add up to S_g: the sum of all cosines
/// between groups g and h is S_g . S_h, and within g, without those of an image and itself (unless `with_self`),
/// |S_g|^2 - n_g.
Similarity similarity(Device& device, const Features& features, const std::vector<std::int32_t>& labels, int groups,
                      bool with_self) {
  std::vector<float> row(features.shape.features());
  const auto count = static_cast<Eigen::Index>(row.size());
  Eigen::MatrixXd sums = Eigen::MatrixXd::Zero(count, groups);
  std::vector<double> members(static_cast<std::size_t>(groups));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    device.read(row.data(), features.values.data() + i * row.size(), row.size() * sizeof(float));
    const Eigen::VectorXd wide = Eigen::Map<const Eigen::VectorXf>(row.data(), count).cast<double>();
    const double norm = std::sqrt(wide.dot(wide));
    if (norm == 0) continue;
    sums.col(labels[i]) += wide / norm;
    members[static_cast<std::size_t>(labels[i])] += 1;
  }
  Similarity s;
  s.size = groups;
  double own = 0, own_pairs = 0, other = 0, other_pairs = 0;
  for (int g = 0; g < groups; ++g)
    for (int h = 0; h < groups; ++h) {
      const double n = members[static_cast<std::size_t>(g)], m = members[static_cast<std::size_t>(h)];
      const double self = g == h && !with_self ? n : 0;
      const double sum = sums.col(g).dot(sums.col(h)) - self, pairs = n * m - self;
      (g == h ? own : other) += sum;
      (g == h ? own_pairs : other_pairs) += pairs;
      s.values.push_back(pairs > 0 ? sum / pairs : std::nan(""));
    }
  s.within = own_pairs > 0 ? own / own_pairs : std::nan("");
  s.between = other_pairs > 0 ? other / other_pairs : std::nan("");
  return s;
}

}  // namespace

Similarity class_similarity(Device& device, const Features& features) {
  return similarity(device, features, features.labels, features.classes, false);
}

Similarity image_similarity(Device& device, const Features& features, int count) {
  count = std::min(count, static_cast<int>(features.labels.size()));
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  Similarity images = similarity(device, features, numbers, count, true);
  const std::vector<std::int32_t> labels(features.labels.begin(), features.labels.begin() + count);
  const Similarity classes = similarity(device, features, labels, features.classes, false);
  images.within = classes.within, images.between = classes.between;
  return images;
}

}  // namespace saccade
