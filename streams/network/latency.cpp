#include "streams/network/latency.h"

#include <algorithm>
#include <cmath>

namespace saccade {
namespace {

constexpr double shortest = 1e-6, longest = 1e3, width = 1.02;

std::size_t bin_of(double seconds) {
  return static_cast<std::size_t>(std::log(std::clamp(seconds, shortest, longest) / shortest) / std::log(width));
}

}  // namespace

void Latency::add(double seconds) {
  if (bins_.empty()) bins_.resize(bin_of(longest) + 1);
  ++bins_[bin_of(seconds)];
  ++count_;
}

double Latency::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  std::size_t bin = 0;
  while ((seen += bins_[bin]) < wanted) ++bin;
  return shortest * std::pow(width, static_cast<double>(bin) + 0.5);  // the bin's middle
}

}  // namespace saccade
