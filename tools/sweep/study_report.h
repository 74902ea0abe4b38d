#pragma once
#include "tools/sweep/study_results.h"

namespace saccade {

/// The page of a study, one file that needs nothing else: question and notes, what the points came to, learning curves,
/// table, cost, what is missing, the study's file. Every plot is also a file in the folder's plots/.
void write_study_report(const StudyResults& results, const StudyFolder& folder);

}  // namespace saccade
