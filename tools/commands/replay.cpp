#include "tools/replay.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/experiment.h"

namespace saccade {

void add_replay(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("replay", "Learn from a stream of views, event by event");
  const auto keys = std::make_shared<bool>(false);
  const auto experiment = std::make_shared<std::filesystem::path>();
  command->add_option("experiment", *experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_flag("--keys", *keys, "List the keys of experiment files with their defaults and units");
  command->add_option("--out", flags.out, "Folder of the run: new or empty")->type_name("DIR");
  command->add_option("--resume", flags.resume, "Go on with the run in this folder; needs nothing else")
      ->type_name("DIR");
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command, "saccade replay --data DIR --set data=cifar10 --set schedule=rll --out runs/first");
  command->callback([&flags, keys, experiment] {
    if (*keys)
      fmt::print("{}", list_experiment_keys());
    else
      flags.exit_code = replay({*experiment, flags});
  });
}

}  // namespace saccade
