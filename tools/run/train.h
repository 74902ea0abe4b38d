#pragma once
#include "tools/run/run.h"

namespace saccade {

/// InputError for what batch mode cannot run.
void check_train(const Experiment& experiment);

/// Batch mode: mini-batches of pairs of views -> learner, with measures, checkpoints and probes; leaves a run folder.
/// Returns the program's exit code.
int train(const RunRequest& request);

}  // namespace saccade
