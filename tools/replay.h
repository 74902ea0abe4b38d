#pragma once
#include <filesystem>

#include "tools/cli.h"

namespace saccade {

/// What `saccade replay` is asked for.
struct ReplayRequest {
  std::filesystem::path experiment;  ///< empty: the defaults
  CommonFlags flags;
};

/// Event mode: stream -> queue -> learner, with records, measures, checkpoints and probes; leaves a run folder. Returns
/// the program's exit code: 0, or 130 when interrupted (a checkpoint is then there to resume from). InputError before
/// anything is written when the request cannot be met.
int replay(const ReplayRequest& request);

}  // namespace saccade
