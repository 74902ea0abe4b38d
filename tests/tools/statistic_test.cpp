#include "tools/report/statistic.h"

#include <doctest/doctest.h>

#include <cmath>

namespace saccade {

TEST_CASE("mean and standard deviation of a few repetitions") {
  CHECK(std::isnan(statistic({}).mean));
  CHECK(statistic({}).n == 0);
  CHECK(statistic({2.5}).mean == 2.5);
  CHECK(std::isnan(statistic({2.5}).sd));
  const Statistic s = statistic({1, 2, 6});
  CHECK(s.mean == 3);
  CHECK(s.sd == doctest::Approx(std::sqrt((4.0 + 1 + 9) / 2)));
  CHECK(s.n == 3);
}

}  // namespace saccade
