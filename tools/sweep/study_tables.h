#pragma once
#include <string>

#include "tools/sweep/study_results.h"

/// Tables of a study's page as HTML with their headings: a row per point, means and standard deviations over the seeds
/// that finished. Empty where no run has anything to tell.
namespace saccade {

/// Accuracies, gains and losses, and how many seeds finished, diverged, collapsed or failed.
std::string points_table(const StudyResults& results);
/// Gains of every layer, where there are several.
std::string layers_table(const StudyResults& results);
/// What measure.* saw in the top layer: accuracies of nearest neighbours, similarities, participation ratios and the
/// R^2 of known factors, before learning and at the end.
std::string measures_table(const StudyResults& results);
std::string cost_table(const StudyResults& results);

}  // namespace saccade
