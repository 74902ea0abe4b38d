#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli.h"
#include "tools/sweep/slurm.h"

namespace saccade {

/// The K-th of N parts of a study: its runs K, K + N, K + 2N, ...
struct Shard {
  std::size_t number = 1, of = 1;
};

/// "2/8". InputError for anything else.
Shard parse_shard(const std::string& text);

/// What `saccade sweep` is asked for.
struct SweepRequest {
  std::filesystem::path study;  ///< a study's file; empty with flags.resume
  CommonFlags flags;            ///< out or resume; device, data, quiet, json
  std::size_t jobs = 0;         ///< runs side by side; 0 = one a core
  std::string shard;            ///< empty: the whole study
  std::size_t together = 0;     ///< runs that advance together at most; 1 = each alone, 0 = as the device has it
};

/// Runs what is missing of a study in flags.out (new) or flags.resume, and writes its table and page; a part of a study
/// (`shard`) leaves them to merge_study(). Runs that were begun go on from their checkpoints, those that failed are
/// tried again. Returns 0; 1 when runs failed; 130 when interrupted: all that were at work have left a checkpoint.
/// InputError before anything is written when the request cannot be met.
int sweep(const SweepRequest& request);

/// Of the study in flags.resume the runs of these names, which advance together (replay_together()): what sweep()
/// starts as a process of its own. Returns the exit code.
int sweep_together(const std::vector<std::string>& names, const CommonFlags& flags);

/// Table and page of what is there. Returns 0, or 1 when runs are missing or failed.
int merge_study(const std::filesystem::path& folder, const CommonFlags& flags);

/// Writes what Slurm needs to run the study in flags.out (new, or one that holds it already) or flags.resume, and
/// submits it if asked to. Returns the exit code.
int sweep_with_slurm(const SweepRequest& request, const SlurmResources& resources, bool submit);

/// Files of the studies that come with the program; `study_file` finds a study by its name, or takes it as a path.
std::filesystem::path study_file(const std::string& name);
std::string list_studies();

}  // namespace saccade
