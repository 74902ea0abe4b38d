#pragma once
#include <cstddef>
#include <vector>

#include "tools/cli.h"
#include "tools/sweep/study_folder.h"

namespace saccade {

/// How many processes side by side, and how many runs advance together in one (tools/run/together.h) at most.
struct SweepPlan {
  std::size_t jobs = 1, together = 1;
};

/// Runs what is missing of these in processes of one thread, to what `saccade replay` and `saccade train` would come to
/// alone: begun ones are resumed (together, if they stand behind the same view), failed ones tried again. A failure is
/// written down (StudyFolder) and the others go on. Says how far it is on standard error, unless flags.quiet. Returns
/// the program's exit code: 0, 1 when some failed, 130 when interrupted.
int make_runs(const StudyFolder& folder, const Study& study, const std::vector<const StudyRun*>& runs,
              const CommonFlags& flags, const SweepPlan& plan);

}  // namespace saccade
