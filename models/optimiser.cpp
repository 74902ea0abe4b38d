#include "models/optimiser.h"

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

/// Memory for the gradient of one bundle: of `weights` numbers, made when it first learns.
Floats gradient_of(Device& device, DeviceBuffer<float>& gradient, std::size_t weights, int replicas) {
  if (!gradient) gradient = {device, weights, replicas};
  return gradient.shared();
}

/// Rates in the device's memory, where a change of them is no change of what is asked for: for each layer one number
/// per replica.
class DeviceRates {
 public:
  DeviceRates(Device& device, std::size_t layers, const ReplicaRates& rates) : rates_(rates) {
    for (auto* kind : {&conv_, &head_})
      for (std::size_t layer = 0; layer < layers; ++layer)
        kind->emplace_back(device, 1, static_cast<int>(rates.size()));
    scale(1);
  }
  ConstFloats conv(std::size_t layer) const { return conv_[layer].shared(); }
  ConstFloats head(std::size_t layer) const { return head_[layer].shared(); }

  void scale(float factor) {
    for (auto [kind, host] : {std::pair{&conv_, &Rates::conv}, std::pair{&head_, &Rates::head}})
      for (std::size_t layer = 0; layer < kind->size(); ++layer) {
        std::vector<float> each;
        for (const Rates& replica : rates_) each.push_back(factor * (replica.*host).at(layer));
        (*kind)[layer].write(each);
      }
  }

 private:
  ReplicaRates rates_;
  std::vector<DeviceBuffer<float>> conv_, head_;
};

class Sgd final : public Optimiser {
 public:
  Sgd(Device& device, const NetworkSpec& network, const ReplicaRates& rates)
      : device_(device),
        rates_(device, network.layers.size(), rates),
        replicas_(static_cast<int>(rates.size())),
        head_(network.layers.size()) {
    for (int i = 0; i < network.depth(); ++i) conv_.emplace_back(device, network.conv(i).weights(), replicas_);
  }
  std::string name() const override { return "sgd"; }

  /// At once, the change goes straight to the synapses: no gradient is stored.
  void head(int layer, const HeadFactors& f, Floats weights, Floats feedback) override {
    device_.head_hebb(
        {f.shape, f.extent, f.presynaptic, f.postsynaptic_error, f.active, *hebbian_rate(layer), weights, feedback});
  }
  void gather(int layer, const ConvFactors& f, bool first) override {
    device_.conv_weight_gradient(gradient_op(f, conv_[static_cast<std::size_t>(layer)].shared(), !first));
  }
  void gather(int layer, const HeadFactors& f, bool first) override {
    DeviceBuffer<float>& gradient = head_[static_cast<std::size_t>(layer)];
    device_.head_weight_gradient(gradient_op(f, gradient_of(device_, gradient, f.shape.weights(), replicas_), !first));
  }
  void change_conv(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) override {
    const auto index = static_cast<std::size_t>(layer);
    device_.sgd_step(
        {conv_[index].size(), views, conv_[index].shared(), active, rates_.conv(index), weights, feedback});
  }
  void change_head(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) override {
    const auto index = static_cast<std::size_t>(layer);
    device_.sgd_step(
        {head_[index].size(), views, head_[index].shared(), active, rates_.head(index), weights, feedback});
  }
  std::optional<ConstFloats> hebbian_rate(int layer) const override {
    return rates_.head(static_cast<std::size_t>(layer));
  }
  void scale_rates(float factor) override { rates_.scale(factor); }

 private:
  Device& device_;
  DeviceRates rates_;
  int replicas_;
  std::vector<DeviceBuffer<float>> conv_, head_;  ///< gradients; of a head from its first step in parts on
};

class Adam final : public Optimiser {
 public:
  Adam(Device& device, const NetworkSpec& network, Heads heads, const ReplicaRates& rates)
      : device_(device), network_(network), rates_(device, network.layers.size(), rates) {
    const auto replicas = static_cast<int>(rates.size());
    for (int i = 0; i < network.depth(); ++i) {
      const bool has_head = heads == Heads::every_layer || i == network.depth() - 1;
      conv_.push_back(make_state(network.conv(i).weights(), replicas));
      head_.push_back(has_head ? make_state(network.head(i).weights(), replicas) : State{});
    }
  }
  std::string name() const override { return "adam"; }

  void gather(int layer, const ConvFactors& f, bool first) override {
    device_.conv_weight_gradient(gradient_op(f, conv_[static_cast<std::size_t>(layer)].gradient.shared(), !first));
  }
  void gather(int layer, const HeadFactors& f, bool first) override {
    device_.head_weight_gradient(gradient_op(f, head_[static_cast<std::size_t>(layer)].gradient.shared(), !first));
  }
  void change_conv(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) override {
    const auto index = static_cast<std::size_t>(layer);
    step(conv_[index], views, active, rates_.conv(index), weights, feedback);
  }
  void change_head(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) override {
    const auto index = static_cast<std::size_t>(layer);
    step(head_[index], views, active, rates_.head(index), weights, feedback);
  }

  void scale_rates(float factor) override { rates_.scale(factor); }

  void save(Checkpoint& checkpoint, int replica = 0) const override {
    each_state(*this, [&](const std::string& name, const State& state, auto to_logical, auto) {
      checkpoint.tensors.push_back(to_logical(state.first.read_replica(replica).data(), "adam.first." + name));
      checkpoint.tensors.push_back(to_logical(state.second.read_replica(replica).data(), "adam.second." + name));
      checkpoint.integers.push_back({"adam.steps." + name, state.steps.read_replica(replica)});
    });
  }
  void load(const Checkpoint& checkpoint, int replica = 0) override {
    each_state(*this, [&](const std::string& name, State& state, auto, auto from_logical) {
      state.first.write_replica(replica, from_logical(checkpoint.tensor("adam.first." + name)));
      state.second.write_replica(replica, from_logical(checkpoint.tensor("adam.second." + name)));
      const std::vector<std::int64_t>& steps = checkpoint.integer_values("adam.steps." + name);
      if (steps.size() != 1) throw InputError("checkpoint: adam.steps." + name + " should hold one number");
      state.steps.write_replica(replica, steps);
    });
  }

 private:
  struct State {
    DeviceBuffer<float> first, second;
    DeviceBuffer<std::int64_t> steps;
    DeviceBuffer<float> gradient;
  };

  State make_state(std::size_t weights, int replicas) {
    return {{device_, weights, replicas},
            {device_, weights, replicas},
            {device_, 1, replicas},
            {device_, weights, replicas}};
  }
  void step(State& state, const Extent& extent, ConstFlags active, ConstFloats rate, Floats weights, Floats feedback) {
    AdamStep op;
    op.count = state.first.size();
    op.extent = extent;
    op.gradient = state.gradient.shared();
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
  DeviceRates rates_;
  std::vector<State> conv_, head_;
};

}  // namespace

std::unique_ptr<Optimiser> make_sgd(Device& device, const NetworkSpec& network, const ReplicaRates& rates) {
  return std::make_unique<Sgd>(device, network, rates);
}

std::unique_ptr<Optimiser> make_adam(Device& device, const NetworkSpec& network, Heads heads,
                                     const ReplicaRates& rates) {
  return std::make_unique<Adam>(device, network, heads, rates);
}

void Optimiser::conv(int layer, const ConvFactors& factors, Floats weights, Floats feedback) {
  gather(layer, factors, true);
  change_conv(layer, factors.extent, factors.active, weights, feedback);
}

void Optimiser::head(int layer, const HeadFactors& factors, Floats weights, Floats feedback) {
  gather(layer, factors, true);
  change_head(layer, factors.extent, factors.active, weights, feedback);
}

void GradientAccumulator::gather(int layer, const ConvFactors& part, bool) {
  DeviceBuffer<float>& sum = conv_[static_cast<std::size_t>(layer)];
  device_.conv_weight_gradient(gradient_op(part, gradient_of(device_, sum, part.shape.weights(), 1), true));
}

void GradientAccumulator::gather(int layer, const HeadFactors& part, bool) {
  DeviceBuffer<float>& sum = head_[static_cast<std::size_t>(layer)];
  device_.head_weight_gradient(gradient_op(part, gradient_of(device_, sum, part.shape.weights(), 1), true));
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
