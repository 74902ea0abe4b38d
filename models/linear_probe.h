#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/device_buffer.h"
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

/// Activity after layer `layer` (the map that its head reads); pixels when `layer` is raw_pixels.
inline constexpr int raw_pixels = -1;
Features extract_features(Device& device, const Parameters& parameters, int layer, const LabelledImages& images);

struct ProbeResult {
  std::vector<double> accuracy;  ///< on each test set, in [0, 1]
  double train_accuracy = 0;     ///< over the last epoch, while learning
  double loss = 0;               ///< mean over the last epoch
};

/// `stop` is asked between batches; returns early (with what was reached) when it says true. `progress` gets the fraction done.
ProbeResult train_probe(Device& device, const Features& train, const std::vector<const Features*>& tests, const ProbeOptions& options,
                        const std::function<bool()>& stop = {}, const std::function<void(double)>& progress = {});

}  // namespace saccade
