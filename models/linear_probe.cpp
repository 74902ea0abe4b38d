#include "models/linear_probe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "engine/random.h"
#include "models/activity.h"

namespace saccade {
namespace {

/// Copies the pixels of a bordered map into a row without border.
void to_compact(const MapShape& from, const float* map, float* row) {
  for (int y = 0; y < from.height; ++y)
    for (int x = 0; x < from.width; ++x, row += from.channels) std::memcpy(row, map + from.offset(y, x), sizeof(float) * from.channels);
}

/// The classifier: a head with one unit per class, its bias and Adam's state for both.
class Classifier {
 public:
  Classifier(Device& device, const Features& train, const ProbeOptions& options)
      : device_(device), shape_{train.shape, train.classes}, rate_(options.rate) {
    weights_ = {device, shape_.weights()};
    bias_ = {device, static_cast<std::size_t>(shape_.lanes())};
    for (auto* buffer : {&weight_gradient_, &weight_first_, &weight_second_}) *buffer = {device, shape_.weights()};
    for (auto* buffer : {&bias_gradient_, &bias_first_, &bias_second_}) *buffer = {device, static_cast<std::size_t>(shape_.lanes())};
    for (auto* buffer : {&weight_steps_, &bias_steps_}) *buffer = {device, 1};
    scores_ = {device, static_cast<std::size_t>(shape_.lanes()), 1, options.batch};
    error_ = {device, static_cast<std::size_t>(shape_.lanes()), 1, options.batch};
    labels_ = {device, 1, 1, options.batch};
    loss_ = {device, 1};
    correct_ = {device, 1};
    const Random random(options.seed, Purpose::initial_weights, 1u << 30, 0);  // an entity that no network reaches
    const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(shape_.in.features())));
    std::vector<float> initial(shape_.weights());
    for (std::size_t i = 0; i < initial.size(); ++i)
      if (static_cast<int>(i % static_cast<std::size_t>(shape_.lanes())) < shape_.embedding)
        initial[i] = random.uniform(static_cast<std::uint32_t>(i), -bound, bound);
    weights_.write(initial);
  }

  /// Scores `count` rows; returns how many are right and adds to the sum of losses.
  int score(ConstFloats rows, const std::int32_t* labels, int count, double& loss) {
    device_.write(labels_.data(), labels, sizeof(std::int32_t) * static_cast<std::size_t>(count));
    device_.head_forward({shape_, {1, count}, rows, weights_.shared(), scores_.strided()});
    device_.cross_entropy({shape_.embedding, {1, count}, scores_.strided(), bias_.shared(), labels_.strided(), error_.strided(),
                           bias_gradient_.shared(), loss_.shared(), correct_.shared()});
    loss += static_cast<double>(loss_.read().front()) * count;
    return correct_.read().front();
  }

  /// One step of Adam on the rows scored last.
  void learn(ConstFloats rows, int count) {
    device_.head_weight_gradient({shape_, {1, count}, rows, error_.strided(), {}, weight_gradient_.shared()});
    adam(weights_, weight_gradient_, weight_first_, weight_second_, weight_steps_);
    adam(bias_, bias_gradient_, bias_first_, bias_second_, bias_steps_);
  }

 private:
  void adam(DeviceBuffer<float>& weights, DeviceBuffer<float>& gradient, DeviceBuffer<float>& first, DeviceBuffer<float>& second,
            DeviceBuffer<std::int64_t>& steps) {
    AdamStep op;
    op.count = weights.size();
    op.gradient = gradient.shared();
    op.rate = rate_;
    op.weights = weights.shared();
    op.first_moment = first.shared();
    op.second_moment = second.shared();
    op.steps = steps.shared();
    device_.adam_step(op);
  }

  Device& device_;
  HeadShape shape_;
  float rate_;
  DeviceBuffer<float> weights_, weight_gradient_, weight_first_, weight_second_, bias_, bias_gradient_, bias_first_, bias_second_;
  DeviceBuffer<std::int64_t> weight_steps_, bias_steps_;
  DeviceBuffer<float> scores_, error_, loss_;
  DeviceBuffer<std::int32_t> labels_, correct_;
};

}  // namespace

Features extract_features(Device& device, const Parameters& parameters, int layer, const LabelledImages& images) {
  const NetworkSpec& network = parameters.network();
  const MapShape from = network.map(layer + 1);
  Features features{from.compact(), {device, from.features(), 1, static_cast<int>(images.count)}, images.labels, images.classes};
  constexpr std::size_t chunk = 64;
  Activity activity(device, network, static_cast<int>(std::min(chunk, std::max<std::size_t>(images.count, 1))));
  const std::size_t pixels = network.map(0).features();
  std::vector<float> shown(chunk * pixels), map(from.size()), row(from.features());
  for (std::size_t first = 0; first < images.count; first += chunk) {
    const std::size_t count = std::min(chunk, images.count - first);
    for (std::size_t i = 0; i < count; ++i) images.fill(first + i, shown.data() + i * pixels);
    const Views views{activity, 0, static_cast<int>(count)};
    show(device, network, shown.data(), views);
    ascend(device, parameters, views, 0, layer + 1);
    for (std::size_t i = 0; i < count; ++i) {
      device.read(map.data(), activity.map(layer + 1, static_cast<int>(i)).data, map.size() * sizeof(float));
      to_compact(from, map.data(), row.data());
      device.write(features.values.data() + (first + i) * row.size(), row.data(), row.size() * sizeof(float));
    }
  }
  return features;
}

ProbeResult train_probe(Device& device, const Features& train, const std::vector<const Features*>& tests, const ProbeOptions& options,
                        const std::function<bool()>& stop, const std::function<void(double)>& progress) {
  if (train.labels.empty() || options.batch < 1 || options.epochs < 1) throw std::invalid_argument("train_probe: nothing to learn from");
  Classifier classifier(device, train, options);
  const std::size_t count = train.labels.size(), batch = static_cast<std::size_t>(options.batch), size = train.shape.features();
  DeviceBuffer<float> rows(device, size, 1, options.batch);
  std::vector<std::int32_t> labels(batch);
  ProbeResult result;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    double loss = 0;
    std::size_t correct = 0;
    for (std::size_t first = 0; first < count; first += batch) {
      if (stop && stop()) return result;
      const std::size_t n = std::min(batch, count - first);
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t image = permuted(options.seed, Purpose::probe_order, static_cast<std::uint64_t>(epoch),
                                             static_cast<std::uint32_t>(first + i), static_cast<std::uint32_t>(count));
        device.copy(rows.data() + i * size, train.values.data() + image * size, size * sizeof(float));
        labels[i] = train.labels[image];
      }
      correct += static_cast<std::size_t>(classifier.score(rows.strided(), labels.data(), static_cast<int>(n), loss));
      classifier.learn(rows.strided(), static_cast<int>(n));
      if (progress)
        progress((epoch + static_cast<double>(first + n) / static_cast<double>(count)) / options.epochs);
    }
    result.train_accuracy = static_cast<double>(correct) / static_cast<double>(count);
    result.loss = loss / static_cast<double>(count);
  }
  for (const Features* test : tests) {
    std::size_t correct = 0;
    double loss = 0;
    for (std::size_t first = 0; first < test->labels.size(); first += batch) {
      const std::size_t n = std::min(batch, test->labels.size() - first);
      correct += static_cast<std::size_t>(classifier.score(test->values.strided(static_cast<int>(first)), test->labels.data() + first, static_cast<int>(n), loss));
    }
    result.accuracy.push_back(static_cast<double>(correct) / static_cast<double>(test->labels.size()));
  }
  return result;
}

}  // namespace saccade
