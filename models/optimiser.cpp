#include "models/optimiser.h"

#include <algorithm>

#include "engine/error.h"
#include "models/layout.h"

namespace saccade {
namespace {

ConvWeightGradient gradient_op(const ConvFactors& f, Floats gradient, bool accumulate = false) {
  return {f.shape,  f.extent, f.presynaptic, f.postsynaptic_error, f.winners,
          f.active, gradient, accumulate,    f.arithmetic};
}

HeadWeightGradient gradient_op(const HeadFactors& f, Floats gradient, bool accumulate = false) {
  return {f.shape, f.extent, f.presynaptic, f.postsynaptic_error, f.active, gradient, accumulate};
}

class Sgd final : public Optimiser {
 public:
  Sgd(Device& device, const NetworkSpec& network, const Rates& rates, int replicas) : device_(device), rates_(rates) {
    std::size_t largest = 0;
    for (int i = 0; i < network.depth(); ++i) largest = std::max(largest, network.conv(i).weights());
    gradient_ = {device, largest, replicas};
  }
  std::string name() const override { return "sgd"; }

  void conv(int layer, const ConvFactors& f, Floats weights, Floats feedback) override {
    device_.conv_weight_gradient(gradient_op(f, gradient_.shared()));
    device_.sgd_step({f.shape.weights(), f.extent, gradient_.shared(), f.active,
                      rates_.conv[static_cast<std::size_t>(layer)], weights, feedback});
  }
  void head(int layer, const HeadFactors& f, Floats weights, Floats feedback) override {
    device_.head_hebb(
        {f.shape, f.extent, f.presynaptic, f.postsynaptic_error, f.active, *hebbian_rate(layer), weights, feedback});
  }
  std::optional<float> hebbian_rate(int layer) const override { return rates_.head[static_cast<std::size_t>(layer)]; }

 private:
  Device& device_;
  Rates rates_;
  DeviceBuffer<float> gradient_;
};

class Adam final : public Optimiser {
 public:
  Adam(Device& device, const NetworkSpec& network, Heads heads, const Rates& rates, int replicas)
      : device_(device), network_(network), rates_(rates) {
    std::size_t largest = 0;
    for (int i = 0; i < network.depth(); ++i) {
      const bool has_head = heads == Heads::every_layer || i == network.depth() - 1;
      conv_.push_back(make_state(network.conv(i).weights(), replicas));
      head_.push_back(has_head ? make_state(network.head(i).weights(), replicas) : State{});
      largest = std::max({largest, network.conv(i).weights(), has_head ? network.head(i).weights() : 0});
    }
    gradient_ = {device, largest, replicas};
  }
  std::string name() const override { return "adam"; }

  void conv(int layer, const ConvFactors& f, Floats weights, Floats feedback) override {
    device_.conv_weight_gradient(gradient_op(f, gradient_.shared()));
    step(conv_[static_cast<std::size_t>(layer)], f.extent, f.active, rates_.conv[static_cast<std::size_t>(layer)],
         weights, feedback);
  }
  void head(int layer, const HeadFactors& f, Floats weights, Floats feedback) override {
    device_.head_weight_gradient(gradient_op(f, gradient_.shared()));
    step(head_[static_cast<std::size_t>(layer)], f.extent, f.active, rates_.head[static_cast<std::size_t>(layer)],
         weights, feedback);
  }

  void save(Checkpoint& checkpoint) const override {
    each_state(*this, [&](const std::string& name, const State& state, auto to_logical, auto) {
      checkpoint.tensors.push_back(to_logical(state.first.read().data(), "adam.first." + name));
      checkpoint.tensors.push_back(to_logical(state.second.read().data(), "adam.second." + name));
      checkpoint.integers.push_back({"adam.steps." + name, state.steps.read()});
    });
  }
  void load(const Checkpoint& checkpoint) override {
    each_state(*this, [&](const std::string& name, State& state, auto, auto from_logical) {
      state.first.write(from_logical(checkpoint.tensor("adam.first." + name)));
      state.second.write(from_logical(checkpoint.tensor("adam.second." + name)));
      const std::vector<std::int64_t>& steps = checkpoint.integer_values("adam.steps." + name);
      if (steps.size() != 1) throw InputError("checkpoint: adam.steps." + name + " should hold one number");
      state.steps.write(steps);
    });
  }

 private:
  struct State {
    DeviceBuffer<float> first, second;
    DeviceBuffer<std::int64_t> steps;
  };

  State make_state(std::size_t weights, int replicas) {
    return {{device_, weights, replicas}, {device_, weights, replicas}, {device_, 1, replicas}};
  }
  void step(State& state, const Extent& extent, ConstFlags active, float rate, Floats weights, Floats feedback) {
    AdamStep op;
    op.count = state.first.size();
    op.extent = extent;
    op.gradient = gradient_.shared();
    op.active = active;
    op.rate = rate;
    op.weights = weights;
    op.feedback = feedback;
    op.first_moment = state.first.shared();
    op.second_moment = state.second.shared();
    op.steps = state.steps.shared();
    device_.adam_step(op);
  }
  template <class Self, class F>
  static void each_state(Self& self, F f) {
    for (int i = 0; i < self.network_.depth(); ++i) {
      const auto index = static_cast<std::size_t>(i);
      const ConvShape shape = self.network_.conv(i);
      f(
          "conv." + std::to_string(i), self.conv_[index],
          [&](const float* w, std::string name) { return conv_to_logical(shape, w, std::move(name)); },
          [&](const Tensor& t) { return conv_from_logical(shape, t); });
      if (!self.head_[index].first) continue;
      const HeadShape head = self.network_.head(i);
      f(
          "head." + std::to_string(i), self.head_[index],
          [&](const float* w, std::string name) { return head_to_logical(head, w, std::move(name)); },
          [&](const Tensor& t) { return head_from_logical(head, t); });
    }
  }

  Device& device_;
  NetworkSpec network_;
  Rates rates_;
  std::vector<State> conv_, head_;
  DeviceBuffer<float> gradient_;
};

}  // namespace

std::unique_ptr<Optimiser> make_sgd(Device& device, const NetworkSpec& network, const Rates& rates, int replicas) {
  return std::make_unique<Sgd>(device, network, rates, replicas);
}

std::unique_ptr<Optimiser> make_adam(Device& device, const NetworkSpec& network, Heads heads, const Rates& rates,
                                     int replicas) {
  return std::make_unique<Adam>(device, network, heads, rates, replicas);
}

void GradientAccumulator::conv(int layer, const ConvFactors& factors, Floats, Floats) {
  DeviceBuffer<float>& sum = conv_[static_cast<std::size_t>(layer)];
  if (!sum) sum = {device_, factors.shape.weights()};
  device_.conv_weight_gradient(gradient_op(factors, sum.shared(), true));
}

void GradientAccumulator::head(int layer, const HeadFactors& factors, Floats, Floats) {
  DeviceBuffer<float>& sum = head_[static_cast<std::size_t>(layer)];
  if (!sum) sum = {device_, factors.shape.weights()};
  device_.head_weight_gradient(gradient_op(factors, sum.shared(), true));
}

void GradientAccumulator::clear() {
  conv_.clear();
  head_.clear();
  conv_.resize(network_.layers.size());
  head_.resize(network_.layers.size());
}

std::vector<Tensor> GradientAccumulator::gradients() const {
  std::vector<Tensor> tensors;
  for (int i = 0; i < network_.depth(); ++i) {
    const auto index = static_cast<std::size_t>(i);
    const std::string suffix = std::to_string(i) + ".weight";
    if (conv_[index])
      tensors.push_back(conv_to_logical(network_.conv(i), conv_[index].read().data(), "conv." + suffix));
    if (head_[index])
      tensors.push_back(head_to_logical(network_.head(i), head_[index].read().data(), "head." + suffix));
  }
  return tensors;
}

}  // namespace saccade
