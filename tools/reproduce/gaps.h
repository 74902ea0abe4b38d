#pragma once
#include <vector>

#include "tools/reproduce/reproduce_outputs.h"

namespace saccade {

/// Two cells whose published accuracies differ by more than `least_gap` points, and what ours differ by.
struct Gap {
  const CellResult* better = nullptr;  ///< as published
  const CellResult* worse = nullptr;
  double published = 0, ours = 0;  ///< better - worse, points
  double error = 0;                ///< standard error of `ours`, points

  bool seen() const { return ours > 2 * error; }
  bool reversed() const { return ours < -2 * error; }
};

inline constexpr double least_gap = 2;  ///< points; the paper's numbers are single runs, method.md expects +-0.5 to 1

/// Every pair of measured cells with such a gap, the widest first. Cells that publish a bound only have none. The error
/// of a cell is the larger of that of a fraction p of n test images, sqrt(p (1 - p) / n), as if the cells had been
/// tested on other images, and of the spread over seeds, sd / sqrt(seeds).
std::vector<Gap> published_gaps(const ReproducedTable& table);

}  // namespace saccade
