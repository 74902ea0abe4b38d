#pragma once
#include <limits>
#include <vector>

namespace saccade {

/// Of some repetitions: NaN where there are too few for it.
struct Statistic {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double sd = std::numeric_limits<double>::quiet_NaN();  ///< of one of them, from two on (n - 1 degrees of freedom)
  std::size_t n = 0;
};

Statistic statistic(const std::vector<double>& values);

}  // namespace saccade
