#include "models/adam_tensor.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

AdamTensor::AdamTensor(Device& device, std::size_t size)
    : weights(device, size),
      gradient(device, size),
      first_moment(device, size),
      second_moment(device, size),
      steps(device, 1) {}

void AdamTensor::step(Device& device, float rate) {
  AdamStep op;
  op.count = weights.size();
  op.gradient = gradient.shared();
  op.rate = rate;
  op.weights = weights.shared();
  op.first_moment = first_moment.shared();
  op.second_moment = second_moment.shared();
  op.steps = steps.shared();
  device.adam_step(op);
}

void AdamTensor::save(Checkpoint& checkpoint, const std::string& name) const {
  auto add = [&](const std::string& tensor, const DeviceBuffer<float>& buffer) {
    checkpoint.tensors.push_back({tensor, {buffer.size()}, buffer.read()});
  };
  add(name, weights);
  add("adam.first." + name, first_moment);
  add("adam.second." + name, second_moment);
  checkpoint.integers.push_back({"adam.steps." + name, steps.read()});
}

void AdamTensor::load(const Checkpoint& checkpoint, const std::string& name) {
  auto take = [&](const std::string& tensor, DeviceBuffer<float>& buffer) {
    const Tensor& found = checkpoint.tensor(tensor);
    if (found.data.size() != buffer.size())
      throw InputError(
          fmt::format("checkpoint: {} has {} values, expected {}", tensor, found.data.size(), buffer.size()));
    buffer.write(found.data);
  };
  take(name, weights);
  take("adam.first." + name, first_moment);
  take("adam.second." + name, second_moment);
  const std::vector<std::int64_t>& count = checkpoint.integer_values("adam.steps." + name);
  if (count.size() != 1)
    throw InputError(fmt::format("checkpoint: adam.steps.{} has {} values, expected 1", name, count.size()));
  steps.write(count);
}

}  // namespace saccade
