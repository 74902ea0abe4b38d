#pragma once
#include <limits>
#include <string>
#include <vector>

namespace saccade {

/// Of some repetitions: NaN where there are too few for it.
struct Statistic {
  double mean = std::numeric_limits<double>::quiet_NaN();
  double sd = std::numeric_limits<double>::quiet_NaN();  ///< of one of them, from two on (n - 1 degrees of freedom)
  std::size_t n = 0;
};

Statistic statistic(const std::vector<double>& values);

/// "45.12 ± 0.31 (3)", times `scale`; the number of repetitions only where there are several; a dash where there is
/// none. `format` is fmt's, of the mean.
std::string statistic_text(const Statistic& s, double scale, const char* format);

}  // namespace saccade
