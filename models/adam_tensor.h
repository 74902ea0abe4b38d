#pragma once
#include <string>

#include "engine/checkpoint.h"
#include "engine/device_buffer.h"

namespace saccade {

/// One array of weights with its gradient and Adam's state, for what is not a bundle of the network: a probe, a bias,
/// CLAPP's predictions, target propagation's way down.
struct AdamTensor {
  DeviceBuffer<float> weights, gradient, first_moment, second_moment;
  DeviceBuffer<std::int64_t> steps;
  DeviceBuffer<float> rate;  ///< what `of_rate` was told last

  AdamTensor(Device& device, std::size_t size);
  /// A learning rate in the device's memory; written only when it changes.
  ConstFloats of_rate(float value);
  /// One step along `gradient`; none when `active` is given and none of its first `views` flags is set.
  void step(Device& device, float learning_rate, ConstFlags active = {}, int views = 1);
  /// NAME, adam.first.NAME, adam.second.NAME, adam.steps.NAME, in the device's layout.
  void save(Checkpoint& checkpoint, const std::string& name) const;
  void load(const Checkpoint& checkpoint, const std::string& name);
  /// The same in the logical layout of a head's weights.
  void save(Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) const;
  void load(const Checkpoint& checkpoint, const HeadShape& shape, const std::string& name);
  /// The same in the logical layout of a convolution's weights.
  void save(Checkpoint& checkpoint, const ConvShape& shape, const std::string& name) const;
  void load(const Checkpoint& checkpoint, const ConvShape& shape, const std::string& name);

 private:
  float rate_ = 0;
};

}  // namespace saccade
