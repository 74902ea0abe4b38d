#include "tools/measures/collapse.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace saccade {
namespace {

double value_of(const std::vector<Measure>& all, int layer, const std::string& quantity) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Measure& m) { return m.layer == layer && m.quantity == quantity; });
  return found == all.end() ? std::numeric_limits<double>::quiet_NaN() : found->value;
}

}  // namespace

CollapseAlarm::CollapseAlarm(Of of, double limit, std::vector<Measure> untrained)
    : of_(of), limit_(limit), untrained_(std::move(untrained)) {}

std::optional<std::string> CollapseAlarm::heard(const std::vector<Measure>& now) const {
  for (const Measure& first : untrained_) {
    if (first.quantity != "embedding_variance") continue;
    const bool variance = of_ == Of::variance;
    const double value = value_of(now, first.layer, variance ? first.quantity : "embedding_participation_ratio"),
                 limit = variance ? limit_ * first.value : limit_;
    if (value >= limit) continue;
    return variance ? fmt::format(
                          "the variance of the embedding on layer {} is {:.3g}, below {:g} times that of the "
                          "untrained network, {:.3g}",
                          first.layer, value, limit_, first.value)
                    : fmt::format("the participation ratio of the embedding on layer {} is {:.3g}, below {:g}",
                                  first.layer, value, limit_);
  }
  return {};
}

}  // namespace saccade
