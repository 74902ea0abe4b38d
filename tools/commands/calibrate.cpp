#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/calibrate/calibration.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

void run(const CommonFlags& flags, const std::filesystem::path& file) {
  if (!flags.out.empty()) check_replaceable("--out", flags.out, {".toml"});
  Experiment experiment = load_experiment(file, flags.set, Mode::event);
  const auto device = make_device(flags);
  const DataSet data = load_experiment_data(experiment, data_folder(flags),
                                            {flags.threads, progress_of("reading", "images", flags.quiet)});
  const Calibration found = calibrate(*device, experiment, data);
  experiment.margins = found.margins;
  experiment.rate.conv = found.rate.conv, experiment.rate.head = found.rate.head;
  if (!flags.out.empty()) replace_file(flags.out, write_experiment(experiment));
  if (!flags.quiet || flags.out.empty())
    for (const char* key : {"margins", "rate.conv", "rate.head"})
      fmt::print("{} = {}\n", key, experiment_value(experiment, key));
}

}  // namespace

void add_calibrate(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "calibrate",
      "Margins and learning rates that suit a network and a stream, from what the untrained network shows");
  const auto experiment = std::make_shared<std::filesystem::path>();
  command->add_option("experiment", *experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_option("--out", flags.out, "Writes the whole experiment with these values")->type_name("EXP.toml");
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  command->add_flag("--quiet", flags.quiet, "Print no progress; with --out nothing");
  add_example(*command, "saccade calibrate --set data=world --set schedule=pll --out world.toml");
  command->callback([&flags, experiment] { run(flags, *experiment); });
}

}  // namespace saccade
