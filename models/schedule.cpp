#include "models/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "engine/error.h"
#include "engine/random.h"
#include "models/plasticity.h"

namespace saccade {
namespace {

/// Sums of weights up to each layer; nothing where all weigh the same.
std::vector<double> shares_of(const std::vector<double>& weights, const std::string& schedule, int depth) {
  if (weights.empty()) return {};
  if (weights.size() != static_cast<std::size_t>(depth))
    throw InputError(
        fmt::format("layer_weights: {} numbers are given, expected {}, one per layer", weights.size(), depth));
  for (const double weight : weights)
    if (!(weight >= 0) || !std::isfinite(weight))
      throw InputError(fmt::format("layer_weights: a weight is {}, expected numbers from 0 on", weight));
  if (std::adjacent_find(weights.begin(), weights.end(), std::not_equal_to<>()) == weights.end() && weights[0] > 0)
    return {};
  if (schedule != "rll")
    throw InputError("layer_weights: the schedule \"" + schedule +
                     "\" draws no layers; expected schedule = \"rll\", or the same weight for all");
  std::vector<double> shares(weights.size());
  std::partial_sum(weights.begin(), weights.end(), shares.begin());
  if (!(shares.back() > 0) || !std::isfinite(shares.back()))
    throw InputError(fmt::format("layer_weights: their sum is {}, expected a number above 0", shares.back()));
  return shares;
}

}  // namespace

Schedule::Schedule(const std::string& name, int depth, std::uint64_t seed, std::uint64_t events,
                   const std::vector<double>& weights)
    : name_(name), depth_(depth), seed_(seed), events_(events) {
  if (name != "rll" && name != "gll" && name != "pll" && name != "e2e")
    throw InputError("schedule: no schedule is called \"" + name + "\"; known are rll, gll, pll and e2e");
  if (name == "gll" && events < static_cast<std::uint64_t>(depth))
    throw InputError("schedule: gll trains one layer after the other and needs at least one event a layer");
  shares_ = shares_of(weights, name, depth);
}

void Schedule::layers(std::uint64_t event, std::vector<int>& layers) const {
  layers.clear();
  if (name_ != "pll") return layers.push_back(layer(event));
  for (int i = 0; i < depth_; ++i) layers.push_back(i);
}

int Schedule::layer(std::uint64_t event) const {
  if (name_ == "pll") throw std::logic_error("Schedule::layer: all layers learn at once");
  if (name_ == "e2e") return end_to_end;
  if (name_ == "rll") {
    const Random random(seed_, Purpose::layer_draw, 0, event);
    if (shares_.empty()) return static_cast<int>(random.below(0, static_cast<std::uint32_t>(depth_)));
    // The layer in whose share of the sum a uniform number falls; a share of width 0 is never met.
    const double drawn = std::ldexp(static_cast<double>(random.bits(0)), -32) * shares_.back();
    return static_cast<int>(std::upper_bound(shares_.begin(), shares_.end(), drawn) - shares_.begin());
  }
  const std::uint64_t share = events_ / static_cast<std::uint64_t>(depth_);
  return static_cast<int>(std::min(event / share, static_cast<std::uint64_t>(depth_ - 1)));
}

}  // namespace saccade
