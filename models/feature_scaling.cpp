#include "models/feature_scaling.h"

#include <cmath>
#include <stdexcept>

namespace saccade {
namespace {

/// f(row) for every image; what it changes is written back.
template <class F>
void for_each_row(Device& device, const Features& features, bool write, const F& f) {
  std::vector<float> row(features.shape.features());
  for (std::size_t i = 0; i < features.labels.size(); ++i) {
    float* const values = features.values.data() + i * row.size();
    device.read(row.data(), values, row.size() * sizeof(float));
    f(row);
    if (write) device.write(values, row.data(), row.size() * sizeof(float));
  }
}

}  // namespace

FeatureScaling::FeatureScaling(Device& device, const Features& training)
    : mean_(training.shape.features()), scale_(training.shape.features()) {
  const std::size_t count = mean_.size();
  const auto images = static_cast<double>(training.labels.size());
  std::vector<double> sum(count), squares(count);
  for_each_row(device, training, false, [&](const std::vector<float>& row) {
    for (std::size_t i = 0; i < count; ++i) sum[i] += static_cast<double>(row[i]);
  });
  for (double& s : sum) s /= images;
  for_each_row(device, training, false, [&](const std::vector<float>& row) {
    for (std::size_t i = 0; i < count; ++i) {
      const double deviation = static_cast<double>(row[i]) - sum[i];
      squares[i] += deviation * deviation;
    }
  });
  double varying = 0;
  for (const double s : squares) varying += s > 0 ? 1 : 0;
  for (std::size_t i = 0; i < count; ++i) {
    mean_[i] = static_cast<float>(sum[i]);
    scale_[i] = squares[i] > 0 ? static_cast<float>(std::sqrt(squared_norm / varying / (squares[i] / images))) : 0.0f;
  }
}

void FeatureScaling::apply(Device& device, Features& features) const {
  if (features.shape.features() != mean_.size())
    throw std::invalid_argument("FeatureScaling: the features have another shape");
  for_each_row(device, features, true, [&](std::vector<float>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = (row[i] - mean_[i]) * scale_[i];
  });
}

}  // namespace saccade
