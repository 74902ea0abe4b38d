#pragma once
#include <string>

namespace saccade {

/// One number: a row of metrics.csv.
struct Measure {
  int layer = 0;  ///< of the convolution, the head or the features; end to end too
  std::string quantity;
  double value = 0;
};

}  // namespace saccade
