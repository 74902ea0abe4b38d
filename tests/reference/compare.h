#pragma once
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

/// Comparison of a float result with a double reference. A NaN or an infinity anywhere in the result is a failure.
namespace saccade::reference {

inline constexpr double unit_roundoff = 0x1p-24;  ///< of float

/// Bound on the rounding error of a float sum of n products, relative to the sum of their absolute values: n roundings
/// in the worst case; for longer sums roundings do not all point one way and their random walk grows with sqrt(n)
/// (Higham and Mary 2019, lambda = 2). Independent of the order of the sum and of fused multiply-add.
inline double sum_bound(double n) { return unit_roundoff * std::fmin(n + 1, 2 * std::sqrt(n) + 2); }

struct Verdict {
  bool ok = true;
  std::string text;  ///< worst element: what was found, what was expected
  explicit operator bool() const { return ok; }
};

/// Tanh in float is promised to 4 units in the last place, each at most 2 u relative.
inline constexpr double tanh_bound = 8 * unit_roundoff;

/// |got - want| <= relative * scale for every element, scale being the sum of the absolute values of its terms. Where
/// the scale is 0 the result must be exactly 0.
template <class T>
Verdict compare(const std::vector<T>& got, const std::vector<double>& want, const std::vector<double>& scale,
                double relative) {
  Verdict r;
  char text[240];
  if (got.size() != want.size() || got.size() != scale.size()) return {false, "different sizes"};
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - want[i]);
    // Below the smallest normal float, results may be rounded to a multiple of 2^-149.
    const double limit = relative * scale[i] + (scale[i] > 0 ? 0x1p-126 : 0);
    const bool fine = std::isfinite(static_cast<double>(got[i])) && std::isfinite(want[i]) && error <= limit;
    const double share =
        fine ? (limit > 0 ? error / limit : 0) : (std::isfinite(error) ? error / (limit + 1e-300) : INFINITY);
    if (share > worst || (r.ok && !fine)) {
      worst = share;
      std::snprintf(text, sizeof text, "element %zu of %zu: got %.9g, want %.9g, error %.3g, limit %.3g", i, got.size(),
                    static_cast<double>(got[i]), want[i], error, limit);
      r.text = text;
    }
    r.ok = r.ok && fine;
  }
  return r;
}

inline std::vector<double> magnitudes(std::vector<double> v) {
  for (double& x : v) x = std::fabs(x);
  return v;
}

/// Every element is exactly the reference's (sums that are exact in float).
template <class T>
Verdict compare_exact(const std::vector<T>& got, const std::vector<double>& want) {
  return compare(got, want, std::vector<double>(want.size(), 0.0), 0);
}

/// |got - want|_2 <= relative * |want|_2, for results of many steps.
template <class T>
Verdict compare_norm(const std::vector<T>& got, const std::vector<double>& want, double relative) {
  if (got.size() != want.size()) return {false, "different sizes"};
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(static_cast<double>(got[i]))) return {false, "element " + std::to_string(i) + " is not finite"};
    difference += std::pow(static_cast<double>(got[i]) - want[i], 2);
    norm += want[i] * want[i];
  }
  char text[160];
  std::snprintf(text, sizeof text, "relative L2 error %.3g (norm %.3g), limit %.3g", std::sqrt(difference / norm),
                std::sqrt(norm), relative);
  return {std::sqrt(difference) <= relative * std::sqrt(norm), text};
}

/// The same bits: tells -0 from +0 and compares NaN by its payload.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace saccade::reference
