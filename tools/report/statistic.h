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
/// "45.12 ± 0.31", without their number; at most four significant digits each.
std::string mean_text(const Statistic& s, double scale, const char* format);

/// "0.31": two decimals or one digit.
std::string sd_text(double sd);

/// As `format` has it, or, where that has more than four significant digits, with four: "131.1 k", "3.2e+24"; a dash
/// for what is not finite.
std::string number_text(double value, const char* format);

}  // namespace saccade
