#include "tools/reproduce/run_cost.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace saccade {
namespace {

/// One view through layer i's convolution.
double conv_cost(const NetworkSpec& network, int layer) {
  const ConvShape conv = network.conv(layer);
  const double pixels = conv.pools() ? 4.0 * conv.out.height * conv.out.width : 1.0 * conv.out.height * conv.out.width;
  return pixels * 9 * conv.in.channels * conv.out.channels;
}

double head_cost(const NetworkSpec& network, int layer) {
  return static_cast<double>(network.head(layer).in.features()) * network.embedding;
}

/// One view up to and including layer i.
double ascent_cost(const NetworkSpec& network, int layer) {
  double cost = 0;
  for (int i = 0; i <= layer; ++i) cost += conv_cost(network, i);
  return cost;
}

double pair_cost(const Experiment& e) {
  const NetworkSpec& network = e.network;
  const int top = network.depth() - 1;
  const bool supervised = experiment_word(e, "loss") == "supervised";
  const double seen = supervised ? 1 : 2, learning = supervised || e.block ? 1 : 2;
  if (experiment_word(e, "schedule") == "e2e") {
    const double forward = ascent_cost(network, top) + head_cost(network, top);
    double cost = seen * forward + 2 * learning * forward;
    if (experiment_word(e, "rule") == "dtp")
      cost += 3 * learning * forward *
              static_cast<double>(std::max<std::int64_t>(1, integer_value(e, "dtp.feedback_steps", 1)));
    return cost;
  }
  double cost = 0;  // of every layer's own step: `epochs` is each layer's share
  for (int i = 0; i <= top; ++i)
    cost += seen * (ascent_cost(network, i) + head_cost(network, i)) +
            2 * learning * (conv_cost(network, i) + head_cost(network, i));
  return cost;
}

}  // namespace

std::int64_t integer_value(const Experiment& experiment, std::string_view key, std::int64_t otherwise) {
  const std::string text = experiment_value(experiment, key);
  std::int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::int64_t training_images(const Experiment& experiment) {
  static const std::map<std::string, std::int64_t> sizes{{"cifar10", 50000},         {"cifar100", 50000},
                                                         {"mnist", 60000},           {"fashion-mnist", 60000},
                                                         {"emnist-letters", 124800}, {"stl10", 100000}};
  const auto found = sizes.find(experiment_word(experiment, "data"));
  const std::int64_t all = found == sizes.end() ? 50000 : found->second;
  return experiment.images == 0 ? all : std::min(all, experiment.images);
}

std::int64_t tested_images(const Experiment& experiment) {
  static const std::map<std::string, std::int64_t> sizes{{"stl10", 8000}, {"emnist-letters", 20800}};
  const auto found = sizes.find(data_name(probe_data(experiment)));
  const std::int64_t all = found == sizes.end() ? 10000 : found->second;
  return experiment.probe.test_images == 0 ? all : std::min(all, experiment.probe.test_images);
}

RunCost run_cost(const Experiment& e) {
  RunCost cost;
  cost.learning =
      pair_cost(e) * static_cast<double>(training_images(e)) * static_cast<double>(integer_value(e, "epochs"));
  if (e.probe.enabled != Experiment::ProbeWhen::yes) return cost;  // every preset says yes or no
  const double trained = e.probe.images == 0 ? 50000 : static_cast<double>(e.probe.images);
  const auto tested = static_cast<double>(tested_images(e));
  constexpr double lanes = 16;  // a classifier of ten classes is computed as sixteen
  const int top = e.network.depth() - 1;
  const bool all = experiment_word(e, "probe.layers") == "all";
  for (int i = all ? 0 : top; i <= top; ++i)
    cost.probing += ascent_cost(e.network, i) * (trained + tested * (e.probe.deformed ? 2 : 1)) +
                    3 * lanes * static_cast<double>(e.network.head(i).in.features()) * trained *
                        static_cast<double>(e.probe.epochs);
  if (experiment_value(e, "probe.untrained") == "true") cost.probing *= 2;
  return cost;
}

double TimeEstimate::seconds(const RunCost& cost) const {
  const auto rate = [](const Measured& own, const Measured& other) {
    return own.cost > 0 ? own.seconds / own.cost : other.cost > 0 ? other.seconds / other.cost : 0;
  };
  return cost.learning * rate(learning_, probing_) + cost.probing * rate(probing_, learning_);
}

}  // namespace saccade
