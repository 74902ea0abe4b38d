#include "tools/sweep/slurm.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "engine/error.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Lines that sbatch reads; it takes the first word that is no option for the end of them.
std::string header(const fs::path& study, const char* name, const SlurmResources& r, std::size_t cpus,
                   const std::string& log) {
  std::vector<std::string> options{fmt::format("--job-name=saccade-{}-{}", study.filename().string(), name),
                                   fmt::format("--cpus-per-task={}", cpus),
                                   "--mem=" + r.memory,
                                   "--time=" + r.time,
                                   "--output=" + (study / "slurm" / log).string(),
                                   "--open-mode=append"};
  if (!r.partition.empty()) options.push_back("--partition=" + r.partition);
  options.insert(options.end(), r.options.begin(), r.options.end());
  std::string text;
  for (const std::string& option : options) {
    if (option.find_first_of("\n\r\"") != std::string::npos)
      throw InputError(
          fmt::format("--slurm: {:?} cannot stand in a script for sbatch: expected no quotation mark and no "
                      "line break",
                      option));
    text += option.find(' ') == std::string::npos ? fmt::format("#SBATCH {}\n", option)
                                                  : fmt::format("#SBATCH \"{}\"\n", option);
  }
  return text;
}

void check(const SlurmResources& r, std::size_t runs) {
  const auto refuse = [](const char* flag, const std::string& found, const char* expected) {
    throw InputError(fmt::format("{} {}: expected {}", flag, found, expected));
  };
  if (!std::regex_match(r.memory, std::regex("0*[1-9][0-9]*[KMGT]")))
    refuse("--memory", r.memory, "a number with K, M, G or T, such as 16G");
  if (!std::regex_match(r.time, std::regex("([0-9]+-)?[0-9]+(:[0-9]+){0,2}")))
    refuse("--time", r.time,
           "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or "
           "days-hours:minutes:seconds, such as 24:00:00");
  for (const std::string& option : r.options)
    if (!option.starts_with("--") || option.size() == 2)
      refuse("--sbatch", option, "an option of sbatch that begins with --, such as --account=me");
  if (r.tasks > runs)
    refuse("--tasks", fmt::format("{}", r.tasks),
           fmt::format("at most {}, the number of runs of the study", runs).c_str());
}

}  // namespace

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

SlurmScripts slurm_scripts(const fs::path& program, const fs::path& study, std::size_t runs, const SlurmResources& r,
                           const std::string& device) {
  check(r, runs);
  constexpr std::size_t most = 1000;  // Slurm's MaxArraySize is 1001 unless its administrator says otherwise
  const std::size_t parts = r.tasks > 0 ? r.tasks : std::min(most, (runs + r.cpus - 1) / r.cpus);
  const std::string call = shell_quoted(program.string()) + " sweep", folder = shell_quoted(study.string());
  SlurmScripts scripts;
  scripts.part = fmt::format(
      "#!/bin/bash\n# One part of the study in this folder; submit.sh submits all.\n{}#SBATCH --array=1-{}\n"
      "#SBATCH --signal=B:TERM@120\nexec {} --resume {} --shard \"$SLURM_ARRAY_TASK_ID/{}\" --jobs {} --device {} "
      "--quiet\n",
      header(study, "part", r, r.cpus, "part-%a.log"), parts, call, folder, parts, r.cpus, device);
  scripts.merge = fmt::format("#!/bin/bash\n# Table and page, when all parts have ended.\n{}exec {} --merge {}\n",
                              header(study, "merge", r, 1, "merge.log"), call, folder);
  scripts.submit = fmt::format(
      "#!/bin/sh\n# Submits the study's parts and what joins them; again to go on with what is not finished.\nset -eu\n"
      "cd {}\nparts=$(sbatch --parsable part.sbatch)\nparts=${{parts%%;*}}\n"
      "merge=$(sbatch --parsable --dependency=\"afterany:$parts\" merge.sbatch)\n"
      "echo \"submitted: {} parts (job $parts), then table and page (job ${{merge%%;*}})\"\n",
      shell_quoted((study / "slurm").string()), parts);
  return scripts;
}

}  // namespace saccade
