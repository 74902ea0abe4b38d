#pragma once
#include "tools/run/run.h"

namespace saccade {

/// Event mode: stream -> queue -> learner, with records, measures, checkpoints and probes; leaves a run folder. Returns
/// the program's exit code.
int replay(const RunRequest& request);

}  // namespace saccade
