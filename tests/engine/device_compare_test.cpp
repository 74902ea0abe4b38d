#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/reference/compare.h"
#include "tests/reference/tensors.h"

// The detector must be seen to detect.
using namespace saccade::reference;

TEST_CASE("comparison: an error of 1e-3 in one element, NaN and infinity are seen") {
  Draw draw(9);
  // The longest sum of the tests' tables: 512 channels, 9 taps; the shortest: one product.
  for (int n : {1, 27, 4608}) {
    CAPTURE(n);
    std::vector<double> want, scale;
    std::vector<float> got;
    for (int i = 0; i < 50; ++i) {
      double sum = 0, size = 0;
      for (int j = 0; j < n; ++j) {
        const double term = draw.uniform(-1, 1);
        sum += term;
        size += std::fabs(term);
      }
      want.push_back(sum);
      scale.push_back(size);
      got.push_back(static_cast<float>(sum));
    }
    const double limit = sum_bound(n);
    CHECK(compare(got, want, scale, limit));
    const std::size_t victim = static_cast<std::size_t>(
        std::max_element(want.begin(), want.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); }) -
        want.begin());
    const float right = got[victim];
    for (float wrong : {right * 1.001f, right * 0.999f, std::numeric_limits<float>::quiet_NaN(),
                        std::numeric_limits<float>::infinity(), -right}) {
      got[victim] = wrong;
      CHECK_FALSE(compare(got, want, scale, limit));
    }
    got[victim] = right;
    got.pop_back();
    CHECK_FALSE(compare(got, want, scale, limit));
  }
  std::vector<float> got(100, 1.0f);
  const std::vector<double> want(100, 1.0);
  CHECK(compare_exact(got, want));
  CHECK(compare_norm(got, want, 1e-5));
  got[3] = 1.001f;
  CHECK_FALSE(compare_exact(got, want));
  CHECK_FALSE(compare_norm(got, want, 1e-5));
  got[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_FALSE(compare_exact(got, want));
  CHECK_FALSE(compare_norm(got, want, 1e-5));
  CHECK_FALSE(same_bits(std::vector<float>{0.0f}, std::vector<float>{-0.0f}));
}
