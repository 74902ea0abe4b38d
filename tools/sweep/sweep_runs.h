#pragma once
#include <vector>

#include "tools/cli.h"
#include "tools/sweep/study_folder.h"

namespace saccade {

/// Runs what is missing of these, `jobs` processes of one thread at a time, as `saccade replay` and `saccade train`
/// would run them alone: begun ones are resumed, failed ones tried again. A failure is written down (StudyFolder) and
/// the others go on. Says how far it is on standard error, unless flags.quiet. Returns the program's exit code: 0, 1
/// when some failed, 130 when interrupted.
int make_runs(const StudyFolder& folder, const Study& study, const std::vector<const StudyRun*>& runs,
              const CommonFlags& flags, std::size_t jobs);

}  // namespace saccade
