#include "models/plasticity.h"

#include <algorithm>
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
  const int room = errors_.front().views();
  if (views.count <= room) {
    learn_head(top_of(layer), views, error, active, optimiser);
    return descend(layer, views, active, optimiser);
  }
  for (int first = 0; first < views.count; first += room)
    gather(layer, {views.activity, views.first + first, std::min(room, views.count - first)}, error.from(first),
           active.from(first), optimiser, first == 0);
  change(layer, views.extent(), active, optimiser);
}

void Plasticity::check(const Views& views) const {
  if (views.count > errors_.front().views()) throw std::invalid_argument("Plasticity: more views than it was made for");
}

void Plasticity::descend(int layer, const Views& views, ConstFlags active, Optimiser& optimiser) {
  check(views);
  for (int i = top_of(layer); i >= bottom_of(layer); --i) {
    const Synapses& synapses = parameters_.conv(i);
    if (i > bottom_of(layer)) pass_conv(i, views, active);
    optimiser.conv(i, conv_factors(i, views, active), synapses.forward.shared(),
                   parameters_.learning_feedback(synapses));
    parameters_.pack(device_, i, active, views.count);
  }
}

void Plasticity::gather(int layer, const Views& part, ConstFloats error, ConstFlags active, Optimiser& optimiser,
                        bool first) {
  check(part);
  const int top = top_of(layer);
  pass_head(top, part, error, active);
  optimiser.gather(top, head_factors(top, part, error, active), first);
  for (int i = top; i >= bottom_of(layer); --i) {
    if (i > bottom_of(layer)) pass_conv(i, part, active);
    optimiser.gather(i, conv_factors(i, part, active), first);
  }
}

void Plasticity::change(int layer, const Extent& views, ConstFlags active, Optimiser& optimiser) {
  const int top = top_of(layer);
  const Synapses& head = parameters_.head(top);
  optimiser.change_head(top, views, active, head.forward.shared(), parameters_.learning_feedback(head));
  for (int i = top; i >= bottom_of(layer); --i) {
    const Synapses& synapses = parameters_.conv(i);
    optimiser.change_conv(i, views, active, synapses.forward.shared(), parameters_.learning_feedback(synapses));
    parameters_.pack(device_, i, active, views.views);
  }
}

void Plasticity::learn_head(int top, const Views& views, ConstFloats error, ConstFlags active, Optimiser& optimiser) {
  const Synapses& head = parameters_.head(top);
  const Floats weights = head.forward.shared(), feedback = parameters_.learning_feedback(head);
  const std::optional<ConstFloats> rate = optimiser.hebbian_rate(top);
  if (rate && parameters_.network().head_average == 1) {
    const HeadFactors f = head_factors(top, views, error, active);
    device_.head_descend({head_gradient(top, views, error, active),
                          {f.shape, f.extent, f.presynaptic, error, active, *rate, weights, feedback}});
    return;
  }
  pass_head(top, views, error, active);
  optimiser.head(top, head_factors(top, views, error, active), weights, feedback);
}

HeadInputGradient Plasticity::head_gradient(int top, const Views& views, ConstFloats error, ConstFlags active) {
  const NetworkSpec& network = parameters_.network();
  const auto index = static_cast<std::size_t>(top);
  const bool averaged = network.head_average > 1;
  return {network.head(top),
          views.extent(),
          error,
          parameters_.carrier(parameters_.head(top)),
          head_input(device_, network, views, top),
          averaged ? Activation::none : network.conv(top).activation,
          active,
          averaged ? average_errors_[index].strided() : errors_[index].strided()};
}

void Plasticity::pass_head(int top, const Views& views, ConstFloats error, ConstFlags active) {
  const NetworkSpec& network = parameters_.network();
  const auto index = static_cast<std::size_t>(top);
  device_.head_input_gradient(head_gradient(top, views, error, active));
  if (network.head_average > 1)
    device_.average_pool_gradient({network.average(top), views.extent(), average_errors_[index].strided(),
                                   views.activity.map(top + 1, views.first), network.conv(top).activation, active,
                                   errors_[index].strided()});
}

void Plasticity::pass_conv(int i, const Views& views, ConstFlags active) {
  const NetworkSpec& network = parameters_.network();
  const auto index = static_cast<std::size_t>(i);
  device_.conv_input_gradient({network.conv(i), views.extent(), errors_[index].strided(),
                               views.activity.winners(i, views.first), parameters_.carrier(parameters_.conv(i)),
                               views.activity.map(i, views.first), network.conv(i - 1).activation, active,
                               errors_[index - 1].strided(), parameters_.conv(i).packed_feedback.shared()});
}

ConvFactors Plasticity::conv_factors(int i, const Views& views, ConstFlags active) {
  return {parameters_.network().conv(i),
          views.extent(),
          averages_ ? averages_->departure(views, i) : views.activity.map(i, views.first),
          errors_[static_cast<std::size_t>(i)].strided(),
          views.activity.winners(i, views.first),
          active,
          parameters_.arithmetic()};
}

HeadFactors Plasticity::head_factors(int top, const Views& views, ConstFloats error, ConstFlags active) {
  const NetworkSpec& network = parameters_.network();
  return {network.head(top), views.extent(),
          averages_ ? averages_->head_departure(views, top) : head_input(device_, network, views, top), error, active};
}

}  // namespace saccade
