#include "tools/reproduce/gaps.h"

#include <algorithm>
#include <cmath>

namespace saccade {

std::vector<Gap> published_gaps(const ReproducedTable& table) {
  std::vector<Gap> gaps;
  const auto comparable = [](const CellResult& r) {
    return !r.cell.at_least && std::isfinite(r.cell.published) && std::isfinite(r.mean);
  };
  for (const CellResult& better : table.cells)
    for (const CellResult& worse : table.cells)
      if (comparable(better) && comparable(worse) && better.cell.published - worse.cell.published > least_gap)
        gaps.push_back({&better, &worse, better.cell.published - worse.cell.published, better.mean - worse.mean});
  std::stable_sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.published > b.published; });
  return gaps;
}

}  // namespace saccade
