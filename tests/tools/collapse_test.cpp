#include "tools/measures/collapse.h"

#include <doctest/doctest.h>

#include <limits>

namespace saccade {

TEST_CASE("the alarm hears a collapse of variance or of dimensions, on any head, and nothing else") {
  const auto measured = [](double variance, double ratio) {
    return std::vector<Measure>{{0, "embedding_variance", 4},
                                {0, "embedding_participation_ratio", 9},
                                {0, "conv_moved", 0},
                                {2, "embedding_variance", variance},
                                {2, "embedding_participation_ratio", ratio}};
  };
  const CollapseAlarm variance(CollapseAlarm::Of::variance, 0.1, measured(2, 7)),
      ratio(CollapseAlarm::Of::participation_ratio, 1.5, measured(2, 7));
  CHECK(!variance.heard(measured(2, 1)));
  CHECK(!variance.heard(measured(0.21, 1)));
  REQUIRE(variance.heard(measured(0.19, 1)));
  for (const char* part : {"layer 2", "variance", "0.19", "0.1 times"})
    CHECK(variance.heard(measured(0.19, 1))->find(part) != std::string::npos);
  CHECK(!ratio.heard(measured(0, 1.5)));
  REQUIRE(ratio.heard(measured(0, 1.4)));
  for (const char* part : {"layer 2", "participation ratio", "1.4", "1.5"})
    CHECK(ratio.heard(measured(0, 1.4))->find(part) != std::string::npos);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(variance.heard(measured(nan, nan)));
  CHECK(ratio.heard(measured(nan, nan)));
  std::vector<Measure> one_point = measured(0, 0);
  one_point.pop_back();  // no variance, no ratio
  CHECK(ratio.heard(one_point));
  CHECK(variance.heard(one_point));
}

}  // namespace saccade
