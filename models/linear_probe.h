#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/device_buffer.h"
#include "models/adam_tensor.h"
#include "models/parameters.h"

namespace saccade {

/// Linear evaluation (method.md, section 7): a linear classifier with bias on frozen features, cross-entropy, Adam with
/// default betas, weights uniform in +-1/sqrt(features) and bias 0 at the start, no augmentation.
struct ProbeOptions {
  int epochs = 30;
  int batch = 500;
  float rate = 1e-3f;
  std::uint64_t seed = 1;
};

/// n labelled images of a set: `fill(i, pixels)` writes the pixels of image i, [height][width][channels].
struct LabelledImages {
  std::size_t count = 0;
  int classes = 0;
  std::vector<std::int32_t> labels;
  std::function<void(std::size_t, float*)> fill;
};

/// Frozen features of n images, [n][height][width][channels] without border.
struct Features {
  MapShape shape;
  DeviceBuffer<float> values;
  std::vector<std::int32_t> labels;
  int classes = 0;
};

/// Activity after layer `layer` (the map that its head reads), or pixels when `layer` is raw_pixels, of images
/// [first, first + count).
inline constexpr int raw_pixels = -1;
Features extract_features(Device& device, const Parameters& parameters, int layer, const LabelledImages& images,
                          std::size_t first, std::size_t count);

class LinearProbe {
 public:
  LinearProbe(Device& device, const MapShape& features, int classes, const ProbeOptions& options);

  /// A classifier that was trained elsewhere: weights and bias in the layout of a head on these features.
  void adopt(ConstFloats weights, ConstFloats bias);
  /// All epochs. `stop` is asked between batches: false when it said so. `progress` gets the fraction done.
  bool train(const Features& features, const std::function<bool()>& stop = {},
             const std::function<void(double)>& progress = {});
  /// Number of images whose largest score is their label's.
  std::size_t correct(const Features& features);
  /// Mean loss over the last epoch of training, while learning.
  double loss() const { return loss_; }

 private:
  std::size_t score(ConstFloats rows, const std::int32_t* labels, std::size_t count);
  /// After learning.
  void renew_head() const;
  void learn(ConstFloats rows, const std::uint32_t* index, const std::int32_t* labels, std::size_t count);
  void check(const Features& features) const;

  Device& device_;
  HeadShape shape_;
  ProbeOptions options_;
  AdamTensor weights_;  ///< of a ClassifierShape
  AdamTensor bias_;
  DeviceBuffer<float> head_;  ///< the weights in the layout of a head, which scores
  DeviceBuffer<float> scores_, error_, bias_error_, batch_loss_;
  DeviceBuffer<std::int32_t> labels_, correct_;
  double loss_ = 0;
};

}  // namespace saccade
