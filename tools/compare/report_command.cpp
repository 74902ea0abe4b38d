#include "tools/compare/report_command.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "tools/compare/comparison.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/report/view_sheet.h"
#include "tools/run/recorded_run.h"
#include "tools/run/run_report.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

int report_again(const fs::path& folder, const CommonFlags& flags) {
  const RecordedRun run = read_run(folder);
  ViewSheet sheet;
  try {
    if (run.summary.command == "serve") {
      sheet = first_arrivals(run.experiment, run.folder.arrivals());
    } else {
      const DataSet data = load_experiment_data(run.experiment, data_folder(flags, remembered_data_folder({folder})));
      sheet = run_sheet(run.experiment, run.summary.command == "train", data);
    }
  } catch (const InputError& error) {
    tell("warning: the report goes without views: {}", error.what());
  }
  const fs::path out = flags.out.empty() ? run.folder.report() : flags.out;
  write_report(run_report(run.experiment, run.summary, run.folder, sheet), out);
  if (!flags.quiet) fmt::print("report: {}\n", out.string());
  return 0;
}

}  // namespace

int report_runs(const std::vector<fs::path>& folders, const fs::path& csv, const CommonFlags& flags) {
  check_replaceable("--out", flags.out, {".html", ".htm"});
  check_replaceable("--csv", csv, {".csv"});
  if (folders.size() == 1) {
    if (!csv.empty()) throw InputError("--csv: expected the folders of at least two runs to compare");
    return report_again(folders[0], flags);
  }
  if (flags.out.empty()) throw InputError("report: where should the comparison go? Give --out FILE.html");
  if (fs::is_directory(flags.out))
    throw InputError(fmt::format("--out {}: this is a folder, expected a file", flags.out.string()));
  const RunComparison comparison = compare_runs(folders);
  replace_file(flags.out, comparison_html(comparison));
  if (!csv.empty()) replace_file(csv, comparison_csv(comparison));
  if (!flags.quiet)
    fmt::print("{} runs, {} groups of settings: {}\n", comparison.runs.size(), comparison.groups.size(),
               flags.out.string());
  return 0;
}

}  // namespace saccade
