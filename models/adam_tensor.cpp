#include "models/adam_tensor.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "models/layout.h"

namespace saccade {
namespace {

/// to_tensor(values in the device's layout, name) -> Tensor.
template <class ToTensor>
void save_as(Checkpoint& checkpoint, const AdamTensor& from, const std::string& name, ToTensor to_tensor) {
  checkpoint.tensors.push_back(to_tensor(from.weights.read(), name));
  checkpoint.tensors.push_back(to_tensor(from.first_moment.read(), "adam.first." + name));
  checkpoint.tensors.push_back(to_tensor(from.second_moment.read(), "adam.second." + name));
  checkpoint.integers.push_back({"adam.steps." + name, from.steps.read()});
}

/// from_tensor(Tensor) -> values in the device's layout.
template <class FromTensor>
void load_as(const Checkpoint& checkpoint, AdamTensor& to, const std::string& name, FromTensor from_tensor) {
  to.weights.write(from_tensor(checkpoint.tensor(name)));
  to.first_moment.write(from_tensor(checkpoint.tensor("adam.first." + name)));
  to.second_moment.write(from_tensor(checkpoint.tensor("adam.second." + name)));
  const std::vector<std::int64_t>& count = checkpoint.integer_values("adam.steps." + name);
  if (count.size() != 1)
    throw InputError(fmt::format("checkpoint: adam.steps.{} has {} values, expected 1", name, count.size()));
  to.steps.write(count);
}

}  // namespace

AdamTensor::AdamTensor(Device& device, std::size_t size)
    : weights(device, size),
      gradient(device, size),
      first_moment(device, size),
      second_moment(device, size),
      steps(device, 1),
      rate(device, 1) {}

ConstFloats AdamTensor::of_rate(float value) {
  if (value != rate_) rate.write({value});
  rate_ = value;
  return rate.shared();
}

void AdamTensor::step(Device& device, float learning_rate, ConstFlags active, int views) {
  AdamStep op;
  op.count = weights.size();
  op.extent = {1, views};
  op.gradient = gradient.shared();
  op.active = active;
  op.rate = of_rate(learning_rate);
  op.weights = weights.shared();
  op.first_moment = first_moment.shared();
  op.second_moment = second_moment.shared();
  op.steps = steps.shared();
  device.adam_step(op);
}

void AdamTensor::save(Checkpoint& checkpoint, const std::string& name) const {
  save_as(checkpoint, *this, name, [](std::vector<float> values, const std::string& tensor) {
    const std::size_t size = values.size();
    return Tensor{tensor, {size}, std::move(values)};
  });
}

void AdamTensor::load(const Checkpoint& checkpoint, const std::string& name) {
  load_as(checkpoint, *this, name, [&](const Tensor& found) {
    if (found.data.size() != weights.size())
      throw InputError(
          fmt::format("checkpoint: {} has {} values, expected {}", found.name, found.data.size(), weights.size()));
    return found.data;
  });
}

void AdamTensor::save(Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) const {
  save_as(checkpoint, *this, name, [&](const std::vector<float>& values, const std::string& tensor) {
    return head_to_logical(shape, values.data(), tensor);
  });
}

void AdamTensor::load(const Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) {
  load_as(checkpoint, *this, name, [&](const Tensor& found) { return head_from_logical(shape, found); });
}

void AdamTensor::save(Checkpoint& checkpoint, const ConvShape& shape, const std::string& name) const {
  save_as(checkpoint, *this, name, [&](const std::vector<float>& values, const std::string& tensor) {
    return conv_to_logical(shape, values.data(), tensor);
  });
}

void AdamTensor::load(const Checkpoint& checkpoint, const ConvShape& shape, const std::string& name) {
  load_as(checkpoint, *this, name, [&](const Tensor& found) { return conv_from_logical(shape, found); });
}

}  // namespace saccade
