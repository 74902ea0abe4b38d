#pragma once
#include <string>

#include "engine/checkpoint.h"
#include "engine/device_buffer.h"

namespace saccade {

/// Weights that are no part of the network (a probe's, CLAPP's predictions), with their gradient and Adam's state.
struct AdamTensor {
  AdamTensor(Device& device, std::size_t size);

  /// One step along `gradient`; none where no one of the `views` flags is set.
  void step(Device& device, float rate, ConstFlags active = {}, int views = 1);

  /// weights of [embedding, features] as tensor `name`.weight, moments as adam.first.`name` and adam.second.`name`, and
  /// adam.steps.`name`.
  void save(Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) const;
  /// InputError naming what is missing or has another shape.
  void load(const Checkpoint& checkpoint, const HeadShape& shape, const std::string& name);

  DeviceBuffer<float> weights, gradient, first_moment, second_moment;
  DeviceBuffer<std::int64_t> steps;
};

}  // namespace saccade
