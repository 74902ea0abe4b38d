#include "models/linear_probe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "engine/random.h"
#include "models/activity.h"

namespace saccade {
namespace {

/// Copies a bordered map into a row without border and padding lanes.
void to_compact(const MapShape& from, const float* map, float* row) {
  for (int y = 0; y < from.height; ++y)
    for (int x = 0; x < from.width; ++x, row += from.channels)
      std::memcpy(row, map + from.offset(y, x), sizeof(float) * from.channels);
}

}  // namespace

Features extract_features(Device& device, const Parameters& parameters, int layer, const LabelledImages& images,
                          std::size_t first, std::size_t count) {
  if (first + count > images.count) throw std::out_of_range("extract_features: more images than there are");
  const NetworkSpec& network = parameters.network();
  const MapShape from = layer == raw_pixels ? network.map(0) : network.head(layer).in;
  const auto labels = images.labels.begin() + static_cast<std::ptrdiff_t>(first);
  Features features{from.compact(),
                    {device, from.features(), 1, static_cast<int>(count)},
                    {labels, labels + static_cast<std::ptrdiff_t>(count)},
                    images.classes};
  constexpr std::size_t chunk = 64;
  Activity activity(device, network, static_cast<int>(std::min(chunk, std::max<std::size_t>(count, 1))));
  const std::size_t pixels = network.map(0).features();
  std::vector<float> shown(chunk * pixels), map(from.size()), row(from.features());
  for (std::size_t done = 0; done < count; done += chunk) {
    const std::size_t n = std::min(chunk, count - done);
    for (std::size_t i = 0; i < n; ++i) images.fill(first + done + i, shown.data() + i * pixels);
    const Views views{activity, 0, static_cast<int>(n)};
    show(device, network, shown, views);
    ascend(device, parameters, views, 0, layer + 1);
    const ConstFloats input = layer == raw_pixels ? activity.map(0) : head_input(device, network, views, layer);
    for (std::size_t i = 0; i < n; ++i) {
      device.read(map.data(), input.at(0, static_cast<int>(i)), map.size() * sizeof(float));
      to_compact(from, map.data(), row.data());
      device.write(features.values.data() + (done + i) * row.size(), row.data(), row.size() * sizeof(float));
    }
  }
  return features;
}

LinearProbe::LinearProbe(Device& device, const MapShape& features, int classes, const ProbeOptions& options)
    : device_(device),
      shape_{features, classes},
      options_(options),
      weights_(device, ClassifierShape{features.features(), classes}.weights()),
      bias_(device, static_cast<std::size_t>(shape_.lanes())),
      head_(device, shape_.weights()),
      scores_(device, static_cast<std::size_t>(shape_.lanes()), 1, options.batch),
      error_(device, static_cast<std::size_t>(shape_.lanes()), 1, options.batch),
      bias_error_(device, static_cast<std::size_t>(shape_.lanes())),
      batch_loss_(device, 1),
      labels_(device, 1, 1, options.batch),
      correct_(device, 1) {
  if (classes < 1 || options.batch < 1 || options.epochs < 1)
    throw std::invalid_argument("LinearProbe: classes, batch and epochs start at 1");
  constexpr std::uint32_t own_entity = 1u << 30;  // no network has so many layers
  const Random random(options.seed, Purpose::initial_weights, own_entity, 0);
  const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(features.features())));
  const auto lanes = static_cast<std::size_t>(shape_.lanes());
  const std::size_t of_class = weights_.weights.size() / static_cast<std::size_t>(classes);
  std::vector<float> initial(weights_.weights.size());
  for (std::size_t f = 0; f < features.features(); ++f)
    for (std::size_t c = 0; c < static_cast<std::size_t>(classes); ++c)
      initial[c * of_class + f] = random.uniform(static_cast<std::uint32_t>(f * lanes + c), -bound, bound);
  weights_.weights.write(initial);
  renew_head();
}

void LinearProbe::renew_head() const {
  const std::vector<float> weights = weights_.weights.read();
  const auto classes = static_cast<std::size_t>(shape_.embedding), lanes = static_cast<std::size_t>(shape_.lanes());
  const std::size_t features = shape_.in.features(), of_class = weights.size() / classes;
  std::vector<float> head(shape_.weights());
  for (std::size_t f = 0; f < features; ++f)
    for (std::size_t c = 0; c < classes; ++c) head[f * lanes + c] = weights[c * of_class + f];
  head_.write(head);
}

void LinearProbe::adopt(ConstFloats weights, ConstFloats bias) {
  device_.copy(head_.data(), weights.data, head_.size() * sizeof(float));
  device_.copy(bias_.weights.data(), bias.data, bias_.weights.size() * sizeof(float));
}

void LinearProbe::check(const Features& features) const {
  if (!(features.shape == shape_.in)) throw std::invalid_argument("LinearProbe: the features have another shape");
}

std::size_t LinearProbe::score(ConstFloats rows, const std::int32_t* labels, std::size_t count) {
  const int n = static_cast<int>(count);
  device_.write(labels_.data(), labels, sizeof(std::int32_t) * count);
  device_.head_forward({shape_, {1, n}, rows, head_.shared(), scores_.strided()});
  device_.cross_entropy({shape_.embedding,
                         {1, n},
                         scores_.strided(),
                         bias_.weights.shared(),
                         labels_.strided(),
                         error_.strided(),
                         bias_error_.shared(),
                         batch_loss_.shared(),
                         correct_.shared()});
  return static_cast<std::size_t>(correct_.read().front());
}

void LinearProbe::learn(ConstFloats rows, const std::uint32_t* index, const std::int32_t* labels, std::size_t count) {
  device_.write(labels_.data(), labels, sizeof(std::int32_t) * count);
  device_.softmax_regression({{shape_.in.features(), shape_.embedding},
                              {1, static_cast<int>(count)},
                              rows,
                              index,
                              labels_.strided(),
                              weights_.weights.shared(),
                              bias_.weights.shared(),
                              weights_.gradient.shared(),
                              bias_.gradient.shared(),
                              batch_loss_.shared()});
  weights_.step(device_, options_.rate);
  bias_.step(device_, options_.rate);
}

bool LinearProbe::train(const Features& features, const std::function<bool()>& stop,
                        const std::function<void(double)>& progress) {
  check(features);
  const std::size_t count = features.labels.size(), batch = static_cast<std::size_t>(options_.batch);
  std::vector<std::uint32_t> images(batch);
  std::vector<std::int32_t> labels(batch);
  for (int epoch = 0; epoch < options_.epochs; ++epoch) {
    loss_ = 0;
    for (std::size_t first = 0; first < count; first += batch) {
      if (stop && stop()) return false;
      const std::size_t n = std::min(batch, count - first);
      for (std::size_t i = 0; i < n; ++i) {
        images[i] = permuted(options_.seed, Purpose::probe_order, static_cast<std::uint64_t>(epoch),
                             static_cast<std::uint32_t>(first + i), static_cast<std::uint32_t>(count));
        labels[i] = features.labels[images[i]];
      }
      learn(features.values.strided(), images.data(), labels.data(), n);
      loss_ += static_cast<double>(batch_loss_.read().front()) * static_cast<double>(n) / static_cast<double>(count);
      if (progress) progress((epoch + static_cast<double>(first + n) / static_cast<double>(count)) / options_.epochs);
    }
  }
  renew_head();
  return true;
}

std::size_t LinearProbe::correct(const Features& features) {
  check(features);
  const std::size_t count = features.labels.size(), batch = static_cast<std::size_t>(options_.batch);
  std::size_t correct = 0;
  for (std::size_t first = 0; first < count; first += batch)
    correct += score(features.values.strided(static_cast<int>(first)), features.labels.data() + first,
                     std::min(batch, count - first));
  return correct;
}

}  // namespace saccade
