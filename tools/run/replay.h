#pragma once
#include <optional>
#include <string>

#include "tools/run/run.h"

namespace saccade {

/// Why event mode cannot run an experiment; nothing where it can.
std::optional<std::string> against_replay(const Experiment& experiment);

/// Event mode: stream -> queue -> learner, with records, measures, checkpoints and probes; leaves a run folder. Returns
/// the program's exit code.
int replay(const RunRequest& request);

}  // namespace saccade
