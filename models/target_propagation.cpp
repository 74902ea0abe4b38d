#include "models/target_propagation.h"

#include <algorithm>
#include <stdexcept>

#include "engine/error.h"

namespace saccade {
namespace {

constexpr int views_at_once = 64;

template <class F>
void in_parts(const Views& views, F f) {
  for (int first = 0; first < views.count; first += views_at_once)
    f(Views{views.activity, views.first + first, std::min(views_at_once, views.count - first)}, first);
}

}  // namespace

TargetPropagation::TargetPropagation(Device& device, Parameters& parameters, const TargetPropagationOptions& options,
                                     std::uint64_t seed, int views)
    : device_(device),
      parameters_(parameters),
      options_(options),
      seed_(seed),
      feedback_(device, parameters.network(), options.weights_seed.value_or(seed)),
      scratch_(1) {
  if (parameters.replicas() != 1) throw std::invalid_argument("TargetPropagation: expected one replica");
  const NetworkSpec& network = parameters.network();
  if (network.head_average > 1)
    throw InputError(
        "rule: dtp has no autoencoder of averaged maps; expected head_average = 1 in [network], or another rule");
  if (network.any_local())
    throw InputError("rule: dtp has no autoencoder of local layers; expected layers of kind \"conv\", or another rule");
  const int part = std::min(views, views_at_once);
  for (int i = 1; i <= network.depth(); ++i) {
    const std::size_t size = network.map(i).size();
    scratch_.push_back({{device, size, 1, part}, {device, size, 1, part}, {}, {}});
    if (options.noise > 0) {
      scratch_.back().noisy = {device, size, 1, part};
      scratch_.back().above = {device, size, 1, part};
    }
    errors_.emplace_back(device, size, 1, views);
    losses_.emplace_back(device, 1, 1, views);
  }
  embedding_ = {device, static_cast<std::size_t>(network.head(network.depth() - 1).lanes()), 1, part};
}

void TargetPropagation::check(const Views& views) const {
  if (views.count > errors_.front().views())
    throw std::invalid_argument("TargetPropagation: more views than it was made for");
}

void TargetPropagation::pretrain(const Views& views) {
  check(views);
  const NetworkSpec& network = parameters_.network();
  const int depth = network.depth();
  for (int step = 0; step < options_.feedback_steps; ++step) {
    for (int l = depth; l > 0; --l) {
      in_parts(views, [&](const Views& part, int first) {
        const bool noisy = options_.noise > 0;
        ConstFloats x = part.activity.map(l, part.first), above;
        if (noisy) {
          const Floats to = scratch(l).noisy.strided();
          device_.add_noise({network.map(l), part.extent(), x, options_.noise, seed_, static_cast<std::uint32_t>(l),
                             static_cast<std::uint64_t>(noise_draws_), first, to});
          x = to;
        }
        if (l == depth) {
          device_.head_forward({network.head(depth - 1), part.extent(), x, parameters_.head(depth - 1).forward.shared(),
                                embedding_.strided()});
          above = embedding_.strided();
        } else if (noisy) {
          const Floats to = scratch(l + 1).above.strided();
          device_.conv_forward(
              {network.conv(l), part.extent(), x, parameters_.conv(l).ascending(), to, {}, parameters_.arithmetic()});
          above = to;
        } else {
          above = part.activity.map(l + 1, part.first);
        }
        feedback_.accumulate(l, part.extent(), above, x, scratch(l).inverse.strided(),
                             losses_[static_cast<std::size_t>(l) - 1].strided(first));
      });
      feedback_.step(l, options_.feedback_rate);
    }
    if (options_.noise > 0) ++noise_draws_;
  }
  learned_views_ = views.count;
}

void TargetPropagation::learn(int layer, const Views& views, ConstFloats error, ConstFlags active,
                              Optimiser& optimiser) {
  if (layer != end_to_end)
    throw InputError("rule: dtp is an end-to-end rule, found layer " + std::to_string(layer) +
                     "; use schedule e2e, or another rule");
  pretrain(views);
  in_parts(views,
           [&](const Views& part, int first) { set_targets(part, error.from(first), active.from(first), first); });

  const NetworkSpec& network = parameters_.network();
  for (int i = 0; i < network.depth(); ++i) {
    optimiser.conv(i,
                   {network.conv(i), views.extent(), views.activity.map(i, views.first),
                    errors_[static_cast<std::size_t>(i)].strided(), views.activity.winners(i, views.first), active,
                    parameters_.arithmetic()},
                   parameters_.conv(i).forward.shared(), {});
    parameters_.pack(device_, i, active, views.count);
  }
  const int top = network.depth() - 1;
  optimiser.head(top, {network.head(top), views.extent(), views.activity.map(top + 1, views.first), error, active},
                 parameters_.head(top).forward.shared(), {});
}

void TargetPropagation::set_targets(const Views& part, ConstFloats error, ConstFlags active, int first) {
  const NetworkSpec& network = parameters_.network();
  const auto x = [&](int map) -> ConstFloats { return part.activity.map(map, part.first); };
  for (int l = network.depth(); l > 0; --l) {
    const std::size_t count = network.map(l).size();
    const Floats target = scratch(l).target.strided(), inverse = scratch(l).inverse.strided();
    if (l == network.depth()) {
      // g is linear here: g(z - eta error) - g(z) = -eta g(error).
      feedback_.apply(l, part.extent(), error, x(l), active, inverse);
      device_.combine({count, part.extent(), x(l), inverse, {}, -options_.target_step, active, target});
    } else {
      feedback_.apply(l, part.extent(), x(l + 1), x(l), active, inverse);
      feedback_.apply(l, part.extent(), scratch(l + 1).target.strided(), x(l), active, target);
      device_.combine({count, part.extent(), x(l), target, inverse, 1.0f, active, target});
    }
    device_.target_error({count,
                          part.extent(),
                          x(l),
                          target,
                          network.conv(l - 1).activation,
                          2.0f,
                          active,
                          errors_[static_cast<std::size_t>(l) - 1].strided(first),
                          {}});
  }
}

double TargetPropagation::autoencoder_loss(int l) const {
  const std::vector<float> losses = losses_.at(static_cast<std::size_t>(l) - 1).read();
  double sum = 0;
  for (int i = 0; i < learned_views_; ++i) sum += static_cast<double>(losses[static_cast<std::size_t>(i)]);
  return learned_views_ > 0 ? sum / learned_views_ : 0;
}

void TargetPropagation::save(Checkpoint& checkpoint) const {
  feedback_.save(checkpoint);
  checkpoint.integers.push_back({"dtp.noise_draws", {noise_draws_}});
}

void TargetPropagation::load(const Checkpoint& checkpoint) {
  feedback_.load(checkpoint);
  const std::vector<std::int64_t>& draws = checkpoint.integer_values("dtp.noise_draws");
  if (draws.size() != 1 || draws[0] < 0)
    throw InputError("checkpoint: dtp.noise_draws should hold one number of at least 0");
  noise_draws_ = draws[0];
}

}  // namespace saccade
