#pragma once
#include <string>

#include "tools/compare/comparison.h"

/// The plots of a comparison, as HTML. A group has one colour everywhere; from the eighth on lines are
/// dashed.
namespace saccade {

/// The letter of a group with its colour, for tables.
std::string group_mark(const RunComparison& comparison, std::size_t group);

/// Loss, distances and what else metrics.csv holds, over the views that a run has seen; a line per run.
std::string curve_plots(const RunComparison& comparison);

/// Accuracies of the layers on one kind of test images ("plain", "deformed"), and what learning added; a line per
/// group.
std::string accuracy_plots(const RunComparison& comparison, const std::string& test);

}  // namespace saccade
