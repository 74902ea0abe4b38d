#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/compare/report_command.h"

namespace saccade {

void add_report(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("report", "The report of a run again, or a page that compares several");
  struct Request {
    std::vector<std::filesystem::path> folders;
    std::filesystem::path csv;
  };
  const auto request = std::make_shared<Request>();
  command->add_option("RUN", request->folders, "Folders of runs: finished, interrupted or killed")->required();
  command->add_option("--out", flags.out, "The page; of one run without it report.html in its folder")
      ->type_name("FILE");
  command->add_option("--csv", request->csv, "The numbers of a comparison: a row a run x layer x measure")
      ->type_name("FILE");
  command->add_option("--data", flags.data, "Folder of the data sets, where they are not where the run found them")
      ->type_name("DIR");
  command->add_flag("--quiet", flags.quiet, "No text");
  add_example(*command,
              "saccade report runs/first\n"
              "  saccade report runs/bp-1 runs/bp-2 runs/rf-1 runs/rf-2 --out compare.html --csv compare.csv");
  command->callback([&flags, request] { flags.exit_code = report_runs(request->folders, request->csv, flags); });
}

}  // namespace saccade
