#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace saccade {

/// What a study asks of Slurm for each of its parts.
struct SlurmResources {
  std::size_t tasks = 0;  ///< parts of the study, one job of the array each; 0 = one for every `cpus` runs
  std::size_t cpus = 1;   ///< runs side by side in a part
  std::string memory = "2G", time = "24:00:00", partition;
  std::vector<std::string> options;  ///< more options of sbatch, "--account=x"
};

/// Files below <study>/slurm: part.sbatch, the job array in which task K of N runs --shard K/N; merge.sbatch, which
/// makes table and page when all have ended; submit.sh, which submits both. Jobs get SIGTERM two minutes before their
/// time is up, and leave checkpoints; submitting again goes on.
struct SlurmScripts {
  std::string part, merge, submit;
};

/// `program`, `study`: absolute paths; `runs`: of the study. InputError for a resource that sbatch would not take, or
/// more tasks than runs.
SlurmScripts slurm_scripts(const std::filesystem::path& program, const std::filesystem::path& study, std::size_t runs,
                           const SlurmResources& resources, const std::string& device);

/// A word for the shell, in quotes.
std::string shell_quoted(const std::string& text);

}  // namespace saccade
