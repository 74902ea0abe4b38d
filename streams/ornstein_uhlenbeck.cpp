#include "streams/ornstein_uhlenbeck.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/elementary.h"
#include "engine/error.h"

namespace saccade {

OrnsteinUhlenbeck::OrnsteinUhlenbeck(double spread, double time_constant, double step) : spread_(spread) {
  const auto finite_above = [](double x, double least) { return std::isfinite(x) && x > least; };
  if (!(std::isfinite(spread) && spread >= 0) || !finite_above(time_constant, 0) || !finite_above(step, 0))
    throw InputError(
        fmt::format("path with spread {}, time constant {} s and steps of {} s: expected a spread of at "
                    "least 0 and times above 0",
                    spread, time_constant, step));
  keep_ = own_exp(-step / time_constant);
  kick_ = spread * std::sqrt(1 - keep_ * keep_);
}

double OrnsteinUhlenbeck::at(const Random& random, std::uint32_t path, std::uint32_t paths, std::uint32_t steps) const {
  double x = spread_ * random.normal(path);
  for (std::uint32_t step = 1; step <= steps; ++step) x = x * keep_ + kick_ * random.normal(step * paths + path);
  return x;
}

}  // namespace saccade
