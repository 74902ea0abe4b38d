#include "models/adam_tensor.h"

#include "engine/error.h"
#include "models/layout.h"

namespace saccade {

AdamTensor::AdamTensor(Device& device, std::size_t size)
    : weights(device, size),
      gradient(device, size),
      first_moment(device, size),
      second_moment(device, size),
      steps(device, 1) {}

void AdamTensor::step(Device& device, float rate, ConstFlags active, int views) {
  AdamStep op;
  op.count = weights.size();
  op.extent = {1, views};
  op.gradient = gradient.shared();
  op.active = active;
  op.rate = rate;
  op.weights = weights.shared();
  op.first_moment = first_moment.shared();
  op.second_moment = second_moment.shared();
  op.steps = steps.shared();
  device.adam_step(op);
}

void AdamTensor::save(Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) const {
  checkpoint.tensors.push_back(head_to_logical(shape, weights.read().data(), name + ".weight"));
  checkpoint.tensors.push_back(head_to_logical(shape, first_moment.read().data(), "adam.first." + name));
  checkpoint.tensors.push_back(head_to_logical(shape, second_moment.read().data(), "adam.second." + name));
  checkpoint.integers.push_back({"adam.steps." + name, steps.read()});
}

void AdamTensor::load(const Checkpoint& checkpoint, const HeadShape& shape, const std::string& name) {
  weights.write(head_from_logical(shape, checkpoint.tensor(name + ".weight")));
  first_moment.write(head_from_logical(shape, checkpoint.tensor("adam.first." + name)));
  second_moment.write(head_from_logical(shape, checkpoint.tensor("adam.second." + name)));
  const std::vector<std::int64_t>& taken = checkpoint.integer_values("adam.steps." + name);
  if (taken.size() != 1) throw InputError("checkpoint: adam.steps." + name + " should hold one number");
  steps.write(taken);
}

}  // namespace saccade
