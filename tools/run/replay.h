#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/run/run.h"

namespace saccade {

/// Why event mode cannot run an experiment; nothing where it can.
std::optional<std::string> against_replay(const Experiment& experiment);

/// Event mode: stream -> queue -> learner, with records, measures, checkpoints and probes; leaves a run folder. Returns
/// the program's exit code.
int replay(const RunRequest& request);

/// A replay among several that advance together: its folder, and its experiment where it has not begun.
struct TogetherRun {
  std::filesystem::path folder;
  Experiment experiment;
};

/// Replays whose shared_experiment() is equal (tools/run/together.h): one learner takes all of them from view to view,
/// and each leaves the folder that it would leave alone. Those that were begun go on, if all stand behind the same view
/// (InputError otherwise). One that collapses or diverges ends; the others go on. Returns 0, 1 when one was stopped, or
/// 130 when interrupted.
int replay_together(const std::vector<TogetherRun>& runs, const CommonFlags& flags);

}  // namespace saccade
