#include "engine/time.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "engine/error.h"

namespace {

using saccade::InputError;
using saccade::Time;
using saccade::to_seconds;
using saccade::to_ticks;

TEST_CASE("seconds become the nearest tick") {
  CHECK(to_ticks(0.0) == 0);
  CHECK(to_ticks(-0.0) == 0);
  CHECK(to_ticks(1.0) == 1'000'000);
  CHECK(to_ticks(0.1) == 100'000);
  CHECK(to_ticks(0.3) == 300'000);  // 0.3 * 1e6 is a little below 300000 in binary
  CHECK(to_ticks(1e-7) == 0);
  CHECK(to_ticks(0.5e-6) == 1);
  CHECK(to_ticks(1.4999e-6) == 1);
  CHECK(to_ticks(86'400.000001) == 86'400'000'001);
  for (Time t = 0; t < 3'000'000'000; t += 999'983) REQUIRE(to_ticks(to_seconds(t)) == t);
}

TEST_CASE("times that are no times are refused by value; two of the largest still add up") {
  const Time largest = to_ticks(saccade::latest_second);
  CHECK(largest <= std::numeric_limits<Time>::max() / 2);
  for (const double seconds : {-1e-9, -1.0, 4.1e12, 1e300, std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(to_ticks(seconds), InputError);
  }
  CHECK_THROWS_WITH(to_ticks(-2), "time: got -2 s, expected 0 to 4e+12 s");
}

}  // namespace
