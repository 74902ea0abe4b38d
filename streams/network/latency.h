#pragma once
#include <cstdint>
#include <vector>

namespace saccade {

/// Durations from 1 us to 1000 s, counted in bins 2 % wide: room that does not grow with their number.
class Latency {
 public:
  void add(double seconds);
  std::uint64_t count() const { return count_; }
  /// In seconds, 0 < q < 1, to 1 %: the smallest duration that a fraction q does not exceed. 0 without any.
  double quantile(double q) const;

 private:
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
};

}  // namespace saccade
