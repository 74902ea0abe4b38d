#pragma once
#include "engine/file_system.h"
#include "tools/sweep/study_results.h"

namespace saccade {

/// The tables of a study and its page: one file that needs nothing else, with question and notes, what the points came
/// to, learning curves, table, cost, what is missing, the study's file. Every plot is also a file in the folder's
/// plots/. Each file is replaced as a whole.
void write_study_results(const StudyResults& results, const StudyFolder& folder, FileSystem& files = real_files());

}  // namespace saccade
