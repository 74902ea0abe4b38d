#include "tools/report/statistic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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

std::string mean_text(const Statistic& s, double scale, const char* format) {
  std::string text = number_text(scale * s.mean, format);
  if (std::isfinite(s.mean) && std::isfinite(s.sd)) text += " ± " + sd_text(scale * s.sd);
  return text;
}

std::string sd_text(double sd) { return number_text(sd, sd < 0.1 ? "{:.1g}" : "{:.2f}"); }

std::string number_text(double value, const char* format) {
  if (!std::isfinite(value)) return "–";
  const std::string text = fmt::format(fmt::runtime(format), value);
  const std::string mantissa = text.substr(0, text.find('e'));
  const auto first = std::find_if(mantissa.begin(), mantissa.end(), [](char c) { return c >= '1' && c <= '9'; });
  const auto digits = std::count_if(first, mantissa.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits <= 4) return text;
  const char* sign = text.front() == '+' ? "+" : "";
  const auto [unit, suffix] = std::abs(value) < 1e4   ? std::pair{1.0, ""}
                              : std::abs(value) < 1e6 ? std::pair{1e3, " k"}
                              : std::abs(value) < 1e9 ? std::pair{1e6, " M"}
                                                      : std::pair{1.0, ""};
  return fmt::format("{}{:.4g}{}", sign, value / unit, suffix);
}

}  // namespace saccade
