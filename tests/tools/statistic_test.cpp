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

TEST_CASE("numbers for tables: four significant digits at most") {
  CHECK(number_text(45.125, "{:.1f}") == "45.1");
  CHECK(number_text(100, "{:.2f}") == "100");
  CHECK(number_text(0.00123, "{:.5f}") == "0.00123");
  CHECK(number_text(123.456, "{:+.2f}") == "+123.5");
  CHECK(number_text(-123.456, "{:+.2f}") == "-123.5");
  CHECK(number_text(131072, "{:.0f}") == "131.1 k");
  CHECK(number_text(-12345678, "{:.0f}") == "-12.35 M");
  CHECK(number_text(3.14159e24, "{:.3f}") == "3.142e+24");
  CHECK(number_text(3.14159e24, "{:.4g}") == "3.142e+24");
  CHECK(number_text(std::nan(""), "{:.2f}") == "–");
  CHECK(mean_text({0.5, 0.0125, 2}, 100, "{:.2f}") == "50.00 ± 1.25");
  CHECK(mean_text({0.5, 0.0125, 2}, 1, "{:.3f}") == "0.500 ± 0.01");
  CHECK(mean_text({2, std::nan(""), 1}, 1, "{:.2f}") == "2.00");
  CHECK(mean_text({}, 1, "{:.2f}") == "–");
}

}  // namespace saccade
