#include "tools/report/statistic.h"

#include <fmt/format.h>

#include <cmath>

namespace saccade {

Statistic statistic(const std::vector<double>& values) {
  Statistic s;
  s.n = values.size();
  if (values.empty()) return s;
  const auto n = static_cast<double>(s.n);
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  s.mean = sum / n;
  for (const double value : values) squares += (value - s.mean) * (value - s.mean);
  if (s.n > 1) s.sd = std::sqrt(squares / (n - 1));
  return s;
}

std::string statistic_text(const Statistic& s, double scale, const char* format) {
  if (s.n == 0 || std::isnan(s.mean)) return "–";
  std::string text = fmt::format(fmt::runtime(format), scale * s.mean);
  if (s.n > 1) text += fmt::format(" ± {:.2f} ({})", scale * s.sd, s.n);
  return text;
}

}  // namespace saccade
