#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "tools/sweep/study.h"

namespace saccade {

/// The files of a study:
///   sweep.toml, base.toml   what was asked for: --resume needs nothing else
///   data-folder.txt         where --data was
///   runs/NAME               an ordinary run folder for every point and seed
///   baselines/              accuracies of untrained networks and pixels that runs share
///   logs/NAME.log           what a run said on standard error
///   failed/NAME.txt         why a run failed, until it is tried again
///   results.csv measures.csv costs.csv report.html plots/
/// Several processes, on several machines, may work below one folder: what they share is written once, as a whole.
struct StudyFolder {
  std::filesystem::path folder;

  std::filesystem::path sweep() const { return folder / "sweep.toml"; }
  std::filesystem::path base() const { return folder / "base.toml"; }
  std::filesystem::path run(const std::string& name) const { return folder / "runs" / name; }
  std::filesystem::path log(const std::string& name) const { return folder / "logs" / (name + ".log"); }
  std::filesystem::path failure(const std::string& name) const { return folder / "failed" / (name + ".txt"); }
  std::filesystem::path baselines() const { return folder / "baselines"; }
  std::filesystem::path results() const { return folder / "results.csv"; }
  std::filesystem::path measures() const { return folder / "measures.csv"; }
  std::filesystem::path costs() const { return folder / "costs.csv"; }
  std::filesystem::path report() const { return folder / "report.html"; }
  std::filesystem::path plots() const { return folder / "plots"; }
};

/// InputError when a run in the folder is another experiment than the study says: its file was edited. One whose
/// experiment cannot be read is no other one (read_run() tells it).
void check_runs(const StudyFolder& folder, const Study& study, const std::vector<StudyRun>& runs);

/// Names of folders below runs/ that belong to no run of the study: of points or seeds that were taken out of it.
std::vector<std::string> other_runs(const StudyFolder& folder, const std::vector<StudyRun>& runs);

/// A folder for a study, new or empty; `shared`: or one that holds this study already. InputError when it holds
/// something else.
StudyFolder create_study_folder(const std::filesystem::path& folder, const std::filesystem::path& sweep,
                                const Study& study, const std::filesystem::path& data, bool shared);

/// The folder of a study that was begun. InputError when there is no sweep.toml in it.
StudyFolder open_study_folder(const std::filesystem::path& folder, const char* flag);

}  // namespace saccade
