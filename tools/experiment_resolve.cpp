#include <fmt/format.h>

#include "engine/error.h"
#include "tools/experiment_keys.h"

namespace saccade::keys {

Experiment resolve(Given given, const std::string& origin) {
  Experiment e = std::move(given.experiment);
  const bool colour = e.data == Experiment::Data::cifar10 || e.data == Experiment::Data::cifar100;
  if (e.network.layers.empty()) {
    const int embedding = e.network.embedding;  // may have been given alone
    e.network = known_network(colour ? "conv5" : "conv3");
    e.network.embedding = embedding;
  }
  if (e.network.name.empty()) e.network.name = "custom";
  e.network.channels = colour ? 3 : 1;
  e.network.height = e.network.width = colour ? 32 : 28;
  try {
    check_network(e.network);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", origin, error.what()));
  }
  if (e.margins.empty()) {
    const bool small = e.network.name == "conv3" || (!colour && e.network.name != "conv5");
    e.margins.push_back(small ? Experiment::Margins{1, 1.5} : Experiment::Margins{1, 3});
  }
  if (given.automatic_view) e.view.kind = colour ? ViewKind::affine_hsv : ViewKind::affine;
  if (e.view.kind == ViewKind::affine_hsv && !colour)
    throw InputError(fmt::format(
        "{}: view.kind is \"affine-hsv\", which needs colour images; {} is grey: expected \"affine\" or \"plain\"",
        origin, data_name(e.data)));
  // Ran stably on CIFAR-10. A head sums over a long feature vector, so its rate is the smaller one (method.md, section
  // 9).
  if (e.rate.conv.empty()) e.rate.conv = {e.optimiser == Experiment::Optimiser::sgd ? 1e-3 : 1e-4};
  if (e.rate.head.empty()) e.rate.head = {1e-4};
  const auto check_count = [&](const char* key, std::size_t count) {
    if (count != 1 && count != e.network.layers.size())
      throw InputError(fmt::format("{}: {} has {} values, expected 1 or one per layer: the network has {} layers",
                                   origin, key, count, e.network.layers.size()));
  };
  check_count("margins", e.margins.size());
  check_count("rate.conv", e.rate.conv.size());
  check_count("rate.head", e.rate.head.size());
  return e;
}

}  // namespace saccade::keys
