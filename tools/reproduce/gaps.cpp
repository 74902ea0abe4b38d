#include "tools/reproduce/gaps.h"

#include <algorithm>
#include <cmath>

namespace saccade {
namespace {

/// Points.
double standard_error(const CellResult& r) {
  const double p = r.mean / 100, images = static_cast<double>(r.test_images);
  const double sampling = 100 * std::sqrt(p * (1 - p) / images);
  return std::isfinite(r.sd) ? std::max(sampling, r.sd / std::sqrt(static_cast<double>(r.seeds.size()))) : sampling;
}

}  // namespace

std::vector<Gap> published_gaps(const ReproducedTable& table) {
  std::vector<Gap> gaps;
  const auto comparable = [](const CellResult& r) {
    return !r.cell.at_least && std::isfinite(r.cell.published) && std::isfinite(r.mean);
  };
  for (const CellResult& better : table.cells)
    for (const CellResult& worse : table.cells)
      if (comparable(better) && comparable(worse) && better.cell.published - worse.cell.published > least_gap)
        gaps.push_back({&better, &worse, better.cell.published - worse.cell.published, better.mean - worse.mean,
                        std::hypot(standard_error(better), standard_error(worse))});
  std::stable_sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.published > b.published; });
  return gaps;
}

}  // namespace saccade
