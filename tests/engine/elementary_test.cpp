#include "engine/elementary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

namespace {

using saccade::own_cos;
using saccade::own_exp;
using saccade::own_exp2;
using saccade::own_log;
using saccade::own_sin;
using saccade::own_tanh;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double smallest = std::numeric_limits<double>::denorm_min();
constexpr double largest = std::numeric_limits<double>::max();

/// Distance in units in the last place of double at the reference; infinite when either is not finite and they differ.
double ulps(double value, long double reference) {
  if (!std::isfinite(value)) return static_cast<double>(reference) == value ? 0 : infinity;
  int exponent = 0;
  std::frexp(reference, &exponent);
  const long double unit = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs(value - reference) / unit);
}

/// Worst distance over a grid of `n` points from low to high, not aligned to round numbers.
template <class Own, class Reference>
double worst(Own own, Reference reference, double low, double high, int n = 200'000) {
  double limit = 0;
  for (int i = 0; i <= n; ++i) {
    const double x = low + (high - low) * (i + 0.382) / (n + 1);
    const double error = ulps(own(x), reference(static_cast<long double>(x)));
    if (!(error <= limit)) limit = error;
  }
  return limit;
}

/// Worst distance over all binades from 2^low to 2^high and their negatives.
template <class Own, class Reference>
double worst_over_binades(Own own, Reference reference, int low, int high) {
  double limit = 0;
  for (int exponent = low; exponent < high; ++exponent) {
    for (int i = 0; i < 40; ++i) {
      const double x = std::ldexp(1.0 + (i + 0.382) / 40, exponent);
      for (const double signed_x : {x, -x}) {
        const double error = ulps(own(signed_x), reference(static_cast<long double>(signed_x)));
        if (!(error <= limit)) limit = error;
      }
    }
  }
  return limit;
}

long double long_exp(long double x) { return std::exp(x); }
long double long_exp2(long double x) { return std::exp2(x); }
long double long_log(long double x) { return std::log(x); }
long double long_tanh(long double x) { return std::tanh(x); }
long double long_sin(long double x) { return std::sin(x); }
long double long_cos(long double x) { return std::cos(x); }

std::uint64_t bits(double x) {
  std::uint64_t word;
  std::memcpy(&word, &x, sizeof word);
  return word;
}

TEST_CASE("the measure of distance sees a wrong value and NaN") {
  CHECK(ulps(1.0, 1.0L) == 0.0);
  CHECK(ulps(1.0 + 0x1p-52, 1.0L) == 1.0);
  CHECK(ulps(nan, 1.0L) == infinity);
  CHECK(ulps(infinity, 1.0L) == infinity);
  CHECK_FALSE(worst([](double x) { return x == x ? nan : x; }, long_exp, 0, 1, 10) <= 2.0);
}

TEST_CASE("exp") {
  // One rounding of the sum 1 + p, and less than half of one from the reduction and the series.
  CHECK(worst(own_exp, long_exp, -1, 1) <= 1.0);
  CHECK(worst(own_exp, long_exp, -745.2, -700) <= 1.0);  // subnormal results: rounded once more, in larger units
  CHECK(worst(own_exp, long_exp, -708, 709.7) <= 1.0);
  CHECK(worst_over_binades(own_exp, long_exp, -60, 9) <= 1.0);
  CHECK(own_exp(0.0) == 1.0);
  CHECK(own_exp(-0.0) == 1.0);
  CHECK(own_exp(smallest) == 1.0);
  CHECK(own_exp(709.79) == infinity);
  CHECK(own_exp(largest) == infinity);
  CHECK(own_exp(infinity) == infinity);
  CHECK(own_exp(-745.2) == 0.0);
  CHECK(own_exp(-745.1) == smallest);
  CHECK(own_exp(-largest) == 0.0);
  CHECK(own_exp(-infinity) == 0.0);
  CHECK(std::isnan(own_exp(nan)));
}

TEST_CASE("exp2") {
  CHECK(worst(own_exp2, long_exp2, -1, 1) <= 1.0);
  CHECK(worst(own_exp2, long_exp2, -1074.9, 1023.9) <= 1.0);
  for (int k = -1074; k <= 1023; ++k) REQUIRE(own_exp2(k) == std::ldexp(1.0, k));
  CHECK(own_exp2(1024) == infinity);
  CHECK(own_exp2(largest) == infinity);
  CHECK(own_exp2(-1075.1) == 0.0);
  CHECK(own_exp2(-infinity) == 0.0);
  CHECK(own_exp2(infinity) == infinity);
  CHECK(std::isnan(own_exp2(nan)));
}

TEST_CASE("log") {
  CHECK(worst(own_log, long_log, 0.5, 2) <= 1.0);
  CHECK(worst(own_log, long_log, 0.999, 1.001) <= 1.0);
  CHECK(worst(own_log, long_log, 0, 1e6) <= 1.0);
  CHECK(worst(own_log, long_log, 0, largest) <= 1.0);
  double limit = 0;
  for (double x = smallest; x < infinity; x *= 1.37) {
    const double error = ulps(own_log(x), std::log(static_cast<long double>(x)));
    if (!(error <= limit)) limit = error;
    if (x < 100 * smallest) x += smallest;  // 1.37 times a small subnormal rounds to itself
  }
  CHECK(limit <= 1.0);
  CHECK(own_log(1.0) == 0.0);
  CHECK(own_log(0.0) == -infinity);
  CHECK(own_log(-0.0) == -infinity);
  CHECK(own_log(infinity) == infinity);
  CHECK(std::isnan(own_log(-smallest)));
  CHECK(std::isnan(own_log(-1)));
  CHECK(std::isnan(own_log(-infinity)));
  CHECK(std::isnan(own_log(nan)));
}

TEST_CASE("tanh") {
  // Half a unit from the quotient; what t and t + 2 lose is brought back, the series near 0.35 leaves the rest.
  CHECK(worst(own_tanh, long_tanh, -1, 1) <= 1.5);
  CHECK(worst(own_tanh, long_tanh, -23, 23) <= 1.5);
  CHECK(worst(own_tanh, long_tanh, 0.34, 0.36) <= 1.5);
  CHECK(worst_over_binades(own_tanh, long_tanh, -1074, 10) <= 1.5);
  CHECK(bits(own_tanh(0.0)) == bits(0.0));
  CHECK(bits(own_tanh(-0.0)) == bits(-0.0));
  CHECK(own_tanh(smallest) == smallest);
  CHECK(own_tanh(infinity) == 1.0);
  CHECK(own_tanh(-infinity) == -1.0);
  CHECK(own_tanh(largest) == 1.0);
  CHECK(std::isnan(own_tanh(nan)));
  for (int i = 0; i < 10'000; ++i) {
    const double x = i * 0.0031;
    REQUIRE(bits(own_tanh(-x)) == bits(-own_tanh(x)));
    REQUIRE(own_tanh(x) <= 1.0);
  }
}

TEST_CASE("sin and cos") {
  CHECK(worst(own_sin, long_sin, -10, 10) <= 1.0);
  CHECK(worst(own_cos, long_cos, -10, 10) <= 1.0);
  CHECK(worst(own_sin, long_sin, -1e5, 1e5, 1'000'000) <= 1.0);
  CHECK(worst(own_cos, long_cos, -1e5, 1e5, 1'000'000) <= 1.0);
  CHECK(worst_over_binades(own_sin, long_sin, -1074, 16) <= 1.0);
  CHECK(worst_over_binades(own_cos, long_cos, -1074, 16) <= 1.0);
  // The doubles next to multiples of pi/2, where the reduction cancels most.
  double limit = 0;
  for (int k = 1; k < 63'000; ++k) {
    const double x = static_cast<double>(k * 1.57079632679489661923132169163975144L);
    for (const double near : {x, std::nextafter(x, 0.0), std::nextafter(x, 1e6)}) {
      for (const double error : {ulps(own_sin(near), std::sin(static_cast<long double>(near))),
                                 ulps(own_cos(near), std::cos(static_cast<long double>(near)))}) {
        if (!(error <= limit)) limit = error;
      }
    }
  }
  CHECK(limit <= 1.0);
  CHECK(bits(own_sin(0.0)) == bits(0.0));
  CHECK(bits(own_sin(-0.0)) == bits(-0.0));
  CHECK(own_sin(smallest) == smallest);
  CHECK(own_cos(0.0) == 1.0);
  CHECK(own_cos(-0.0) == 1.0);
  CHECK(std::isfinite(own_sin(1e5)));
  for (const double x : {nan, infinity, -infinity, 100'001.0, -100'001.0, largest}) {
    CHECK(std::isnan(own_sin(x)));
    CHECK(std::isnan(own_cos(x)));
  }
}

/// FNV-1a over result bits: a table that any compiler flag, machine or later edit must reproduce.
template <class Own>
std::uint64_t hash_of(Own own, double low, double high) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (int i = 0; i < 10'000; ++i) hash = (hash ^ bits(own(low + (high - low) * i / 10'000))) * 0x100000001b3u;
  return hash;
}

TEST_CASE("the bits are pinned") {
  CHECK(hash_of(own_exp, -746, 710) == 0x65530ff2aa70c278u);
  CHECK(hash_of(own_exp2, -1076, 1025) == 0x23c0831476edd608u);
  CHECK(hash_of(own_log, 1e-300, 1e3) == 0x9a20aad2a8d2436u);
  CHECK(hash_of(own_tanh, -23, 23) == 0xbdc280706a9b6043u);
  CHECK(hash_of(own_sin, -1e5, 1e5) == 0x6dc2cdc00205b36bu);
  CHECK(hash_of(own_cos, -1e5, 1e5) == 0x6042d3115e54906au);
}

}  // namespace
