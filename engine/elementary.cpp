#include "engine/elementary.h"

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace saccade {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: the first has 42 bits, so that its product with any binary exponent (11 bits) is exact.
constexpr double ln2_high = 0x1.62e42fefa38p-1;
constexpr double ln2_low = 0x1.ef35793c7673p-45;
// ln 2 to double precision, and the rest.
constexpr double ln2 = 0x1.62e42fefa39efp-1;
constexpr double ln2_tail = 0x1.abc9e3b39803fp-56;
constexpr double one_over_ln2 = 0x1.71547652b82fep+0;

// pi/2 in three parts: the first two have 36 bits, so that their products with a quadrant number (17 bits) are exact.
constexpr double half_pi_high = 0x1.921fb5444p+0;
constexpr double half_pi_middle = 0x1.68c234c4c0000p-39;
constexpr double half_pi_low = 0x1.98a2e03707345p-77;
constexpr double two_over_pi = 0x1.45f306dc9c883p-1;

/// Nearest integer, halves away from zero; |x| must fit.
int nearest(double x) { return static_cast<int>(x + (x < 0 ? -0.5 : 0.5)); }

/// 2^k for a normal result, -1022 <= k <= 1023.
double power_of_two(int k) { return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52); }

/// value * 2^k with one rounding, for value in [0.5, 2] and |k| <= 1100: the first factor leaves a normal number, hence
/// exact.
double scale(double value, int k) {
  const int half = k / 2;
  return value * power_of_two(half) * power_of_two(k - half);
}

/// 1 / n!, n up to 18: n! is exact.
constexpr std::array<double, 19> one_over_factorial = [] {
  std::array<double, 19> values{1.0};
  double factorial = 1.0;
  for (std::size_t n = 1; n < values.size(); ++n) values[n] = 1.0 / (factorial *= static_cast<double>(n));
  return values;
}();

/// A value and what its rounding lost.
struct Pair {
  double high, low;
};

/// a + b for |a| >= |b|, exactly.
Pair exact_sum(double a, double b) {
  const double sum = a + b;
  return {sum, (a - sum) + b};
}

/// exp(high - low) - 1 for |high| <= 0.71, low the small remainder of a reduction. The Taylor series to power 18 leaves
/// less than 2^-60 of the result.
Pair exp_minus_one(double high, double low) {
  const double r = high - low;
  double sum = one_over_factorial[18];
  for (int n = 17; n >= 2; --n) sum = sum * r + one_over_factorial[n];
  return exact_sum(high, r * r * sum - low);
}

/// sin(high + low) for |high| <= 0.79. Series to power 17.
double sin_series(double high, double low) {
  const double square = high * high;
  double sum = one_over_factorial[17];
  for (int n = 15; n >= 3; n -= 2) sum = one_over_factorial[n] - sum * square;
  return high + (low * (1.0 - 0.5 * square) - high * square * sum);
}

/// cos(high + low) for |high| <= 0.79. Series to power 16; what 1 - x^2/2 loses in rounding is added back.
double cos_series(double high, double low) {
  const double square = high * high;
  double sum = one_over_factorial[16];
  for (int n = 14; n >= 4; n -= 2) sum = one_over_factorial[n] - sum * square;
  const double half_square = 0.5 * square;
  const double first = 1.0 - half_square;
  return first + (((1.0 - first) - half_square) + (square * square * sum - high * low));
}

struct Reduced {
  int quadrant;
  double high, low;
};

/// x - quadrant * pi/2 to more than 100 bits after the point: x - q * high part is exact (a difference of near
/// numbers), the rounding error of the second difference is kept.
Reduced reduce_to_quadrant(double x) {
  const int quadrant = nearest(x * two_over_pi);
  const double rest = x - quadrant * half_pi_high;
  const double middle = quadrant * half_pi_middle;
  const double difference = rest - middle;
  const double virtual_middle = rest - difference;
  const double lost = (rest - (difference + virtual_middle)) + (virtual_middle - middle);
  const double tail = lost - quadrant * half_pi_low;
  const double high = difference + tail;
  return {quadrant, high, (difference - high) + tail};
}

bool reducible(double x) { return x >= -1e5 && x <= 1e5; }
bool tiny(double x) { return x > -0x1p-28 && x < 0x1p-28; }

}  // namespace

double own_exp(double x) {
  if (x != x) return x;
  if (x > 710.0) return infinity;
  if (x < -746.0) return 0.0;
  const int k = nearest(x * one_over_ln2);
  const Pair part = exp_minus_one(x - k * ln2_high, k * ln2_low);
  return scale(1.0 + part.high, k);
}

double own_exp2(double x) {
  if (x != x) return x;
  if (x > 1025.0) return infinity;
  if (x < -1076.0) return 0.0;
  const int k = nearest(x);
  const double f = x - k;
  const Pair part = exp_minus_one(f * ln2, f * -ln2_tail);
  return scale(1.0 + part.high, k);
}

double own_log(double x) {
  if (x != x || x == infinity) return x;
  if (x == 0.0) return -infinity;
  if (x < 0.0) return not_a_number;
  int k = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    k = -54;
  }
  // x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), so that nothing cancels near x = 1.
  const auto bits = std::bit_cast<std::uint64_t>(x);
  k += static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000f'ffff'ffff'ffffu) | 0x3ff0'0000'0000'0000u);
  if (mantissa > 0x1.6a09e667f3bcdp+0) {
    mantissa *= 0.5;
    ++k;
  }
  const double f = mantissa - 1.0;
  // log(1 + f) = 2 atanh(s) with s = f / (2 + f), and 2 s = f - f^2/2 + s f^2/2: the leading terms are free of the
  // rounding error of s. The series in s^2 <= 0.0295 ends at power 23.
  const double s = f / (2.0 + f);
  const double square = s * s;
  double series = 2.0 / 23;
  for (int n = 21; n >= 3; n -= 2) series = series * square + 2.0 / n;
  const double half_square = 0.5 * f * f;
  return k * ln2_high + (f - (half_square - (s * (half_square + square * series) + k * ln2_low)));
}

double own_tanh(double x) {
  if (x != x || tiny(x)) return x;
  const double twice = x < 0 ? -2.0 * x : 2.0 * x;
  double value = 1.0;
  if (twice < 44.0) {
    // tanh = t / (t + 2) with t = exp(2 |x|) - 1 = (2^k - 1) + 2^k (exp(r) - 1); below 0.7 without reduction, where the
    // two parts of t would cancel. What the roundings of t and t + 2 lost is brought back to first order.
    const int k = twice < 0.7 ? 0 : nearest(twice * one_over_ln2);
    const Pair part = exp_minus_one(twice - k * ln2_high, k * ln2_low);
    const double power = power_of_two(k);
    Pair t = part;
    if (k > 0) {
      t = exact_sum(power - 1.0, power * part.high);
      t.low += power * part.low;
    }
    const Pair below = t.high < 2.0 ? exact_sum(2.0, t.high) : exact_sum(t.high, 2.0);
    const double quotient = t.high / below.high;
    value = quotient + (t.low - quotient * (below.low + t.low)) / below.high;
  }
  return x < 0 ? -value : value;
}

double own_sin(double x) {
  if (!reducible(x)) return not_a_number;
  if (tiny(x)) return x;
  const auto [quadrant, high, low] = reduce_to_quadrant(x);
  const double value = (quadrant & 1) != 0 ? cos_series(high, low) : sin_series(high, low);
  return (quadrant & 2) != 0 ? -value : value;
}

double own_cos(double x) {
  if (!reducible(x)) return not_a_number;
  const auto [quadrant, high, low] = reduce_to_quadrant(x);
  const double value = (quadrant & 1) != 0 ? sin_series(high, low) : cos_series(high, low);
  return ((quadrant + 1) & 2) != 0 ? -value : value;
}

}  // namespace saccade
