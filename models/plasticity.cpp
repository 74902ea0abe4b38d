#include "models/plasticity.h"

#include <stdexcept>

#include "engine/error.h"

namespace saccade {

Plasticity::Plasticity(Device& device, Parameters& parameters, int views) : device_(device), parameters_(parameters) {
  if (parameters.rule().targets)
    throw InputError("rule: " + parameters.rule().name + " brings targets down, not errors; it belongs to batch mode");
  for (int i = 0; i < parameters.network().depth(); ++i)
    errors_.emplace_back(device, parameters.network().map(i + 1).size(), parameters.replicas(), views);
  average_errors_.resize(errors_.size());
  if (parameters.network().head_average > 1)
    for (int i = 0; i < parameters.network().depth(); ++i)
      if (parameters.has_head(i))
        average_errors_[static_cast<std::size_t>(i)] = {device, parameters.network().head(i).in.size(),
                                                        parameters.replicas(), views};
}

void Plasticity::learn(int layer, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) {
  check(views);
  pass_head(top_of(layer), views, error, active, optimiser);
  descend(layer, views, active, optimiser);
}

void Plasticity::check(const Views& views) const {
  if (views.count > errors_.front().views()) throw std::invalid_argument("Plasticity: more views than it was made for");
}

void Plasticity::descend(int layer, const Views& views, ConstFlags active, Optimiser& optimiser) {
  check(views);
  const NetworkSpec& network = parameters_.network();
  const int top = top_of(layer);
  if (layer == end_to_end)
    for (int i = top; i > 0; --i) {
      const auto index = static_cast<std::size_t>(i);
      device_.conv_input_gradient({network.conv(i), views.extent(), errors_[index].strided(),
                                   views.activity.winners(i, views.first), parameters_.carrier(parameters_.conv(i)),
                                   views.activity.map(i, views.first), network.conv(i - 1).activation, active,
                                   errors_[index - 1].strided(), parameters_.conv(i).packed_feedback.shared()});
      change_conv(i, views, active, optimiser);
    }
  change_conv(layer == end_to_end ? 0 : top, views, active, optimiser);
}

void Plasticity::pass_head(int top, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) {
  const NetworkSpec& network = parameters_.network();
  const Synapses& head = parameters_.head(top);
  const ConstFloats input = head_input(device_, network, views, top);
  const Floats below = errors_[static_cast<std::size_t>(top)].strided();
  const Activation activation = network.conv(top).activation;
  const Floats feedback = parameters_.learning_feedback(head);
  if (network.head_average == 1) {
    const HeadInputGradient pass{network.head(top), views.extent(), error, parameters_.carrier(head), input,
                                 activation,        active,         below};
    if (const std::optional<float> rate = optimiser.hebbian_rate(top)) {
      device_.head_descend(
          {pass, {network.head(top), views.extent(), input, error, active, *rate, head.forward.shared(), feedback}});
      return;
    }
    device_.head_input_gradient(pass);
  } else {
    const Floats at_averages = average_errors_[static_cast<std::size_t>(top)].strided();
    device_.head_input_gradient({network.head(top), views.extent(), error, parameters_.carrier(head), input,
                                 Activation::none, active, at_averages});
    device_.average_pool_gradient({network.average(top), views.extent(), at_averages,
                                   views.activity.map(top + 1, views.first), activation, active, below});
  }
  optimiser.head(top, {network.head(top), views.extent(), input, error, active}, head.forward.shared(), feedback);
}

void Plasticity::change_conv(int layer, const Views& views, ConstFlags active, Optimiser& optimiser) {
  const Synapses& synapses = parameters_.conv(layer);
  optimiser.conv(layer,
                 {parameters_.network().conv(layer), views.extent(), views.activity.map(layer, views.first),
                  errors_[static_cast<std::size_t>(layer)].strided(), views.activity.winners(layer, views.first),
                  active, parameters_.arithmetic()},
                 synapses.forward.shared(), parameters_.learning_feedback(synapses));
  parameters_.pack(device_, layer, active, views.count);
}

}  // namespace saccade
