#include "models/error_circuit.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "engine/error.h"
#include "engine/random.h"

namespace saccade {
namespace {

/// What is not a number passes: nothing may hide it.
float rectified(float x) { return x < 0 ? 0.0f : x; }

/// In the order in which devices add up distances: 16 chains, then a tree.
class Sum {
 public:
  void add(std::size_t i, float x) { chains_[i % lanes_per_vector] += x; }
  float total() {
    for (std::size_t half = lanes_per_vector / 2; half > 0; half /= 2)
      for (std::size_t i = 0; i < half; ++i) chains_[i] += chains_[i + half];
    return chains_[0];
  }

 private:
  std::array<float, lanes_per_vector> chains_{};
};

}  // namespace

ErrorCircuit::ErrorCircuit(const CircuitOptions& options, int depth, std::uint64_t seed)
    : options_(options), depth_(static_cast<std::uint32_t>(depth)), seed_(seed) {
  for (const auto& [key, value] :
       {std::pair{"noise", options.noise}, std::pair{"threshold_error", options.threshold_error}})
    if (!(value >= 0 && value <= 1e6))
      throw InputError(fmt::format("circuit.{} is {}, expected 0 to 1000000", key, value));
}

std::uint32_t ErrorCircuit::entity(int layer, int place) const {
  return static_cast<std::uint32_t>(place) * depth_ + static_cast<std::uint32_t>(layer);
}

ErrorCircuit::Thresholds ErrorCircuit::thresholds(const Thresholds& nominal, int layer, int place) const {
  const Random random(seed_, Purpose::circuit_threshold, entity(layer, place), 0);
  const auto real = [&](float threshold, std::uint32_t draw) {
    if (options_.threshold_error == 0) return threshold;
    return threshold * rectified(static_cast<float>(1 + options_.threshold_error * random.normal(draw)));
  };
  return {real(nominal.positive, 0), real(nominal.negative, 1)};
}

HingeResult ErrorCircuit::respond(const HingeTerm& term, const Thresholds& nominal, std::span<const float> remembered,
                                  std::span<const float> current, const Site& site, std::span<float> error) {
  const std::size_t units = current.size();
  const Random random(seed_, Purpose::circuit_noise, entity(site.layer, site.place), site.event);
  const double deviation = options_.noise * static_cast<double>(nominal.positive) / static_cast<double>(units);
  const auto noise = [&](std::size_t unit, std::uint32_t kind) {
    return deviation == 0 ? 0.0f
                          : static_cast<float>(deviation * random.normal(4 * static_cast<std::uint32_t>(unit) + kind));
  };
  signs_.resize(units);
  Sum sum;
  for (std::size_t i = 0; i < units; ++i) {
    const float a = remembered[i], b = current[i];
    const float u = b + noise(i, 0), v = a + noise(i, 1);
    const float d_plus = rectified(a - u + noise(i, 2)), d_minus = rectified(b - v + noise(i, 3));
    sum.add(i, d_plus + d_minus);
    signs_[i] = static_cast<float>((d_plus > 0) - (d_minus > 0));
  }
  const Thresholds threshold = thresholds(nominal, site.layer, site.place);
  HingeResult result;
  result.distance = sum.total();
  const float excess = term.positive ? result.distance - threshold.positive : threshold.negative - result.distance;
  result.active = excess > 0 && term.weight > 0;
  result.loss = result.active ? term.weight * excess : 0.0f;
  if (std::isnan(excess)) result.loss = excess;  // never hidden by the threshold
  if (!result.active) return result;
  const float scale = term.positive ? -term.weight : term.weight;
  for (std::size_t i = 0; i < units; ++i) error[i] += scale * signs_[i];
  return result;
}

void ErrorCircuit::compare(Device& device, const ContrastiveHinge& op, std::uint64_t event, int layer) {
  if (op.views != 1 || op.anchor_error)
    throw std::invalid_argument("ErrorCircuit::compare: one view under the blocked gradient is expected");
  const auto units = static_cast<std::size_t>(op.embedding);
  const auto read = [&](std::vector<float>& to, const float* from) {
    to.resize(units);
    device.read(to.data(), from, units * sizeof(float));
  };
  for (int replica = 0; replica < op.replicas; ++replica) {
    const auto terms = op.terms.subspan(static_cast<std::size_t>(replica) * op.terms_each(), op.terms_each());
    read(current_, op.view_embedding.at(replica));
    error_.assign(static_cast<std::size_t>(round_up_to_lanes(op.embedding)), 0.0f);
    results_.clear();
    std::int32_t active = 0;
    for (const HingeTerm& term : terms) {
      read(remembered_, op.anchor_embedding.at(replica, term.anchor));
      if (op.noise) read(noise_, op.noise.at(replica, term.anchor));
      for (std::size_t i = 0; i < units; ++i) {
        remembered_[i] *= term.trace;
        if (op.noise) remembered_[i] += noise_[i];
      }
      results_.push_back(respond(term, {op.positive_margin, op.negative_margin}, remembered_, current_,
                                 {event, layer, static_cast<int>(results_.size())}, std::span(error_).first(units)));
      active |= results_.back().active;
    }
    device.write(op.view_error.at(replica), error_.data(), error_.size() * sizeof(float));
    device.write(op.view_active.at(replica), &active, sizeof active);
    device.write(op.results.at(replica), results_.data(), results_.size() * sizeof(HingeResult));
  }
}

}  // namespace saccade
