#pragma once
#include <filesystem>

#include "tools/cli.h"

namespace saccade {

/// Linear evaluation per layer of the network in a checkpoint, beside the untrained network and raw pixels; leaves
/// probes.csv and summary.json in flags.out and, with `announce`, prints them. `flags.set` may override probe.* keys.
/// Returns the exit code. InputError before anything is written when the request cannot be met.
int probe_checkpoint(const std::filesystem::path& checkpoint, const CommonFlags& flags, bool announce = true);

}  // namespace saccade
