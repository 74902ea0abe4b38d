#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tools/cli.h"
#include "tools/commands/commands.h"
#include "tools/experiment.h"

namespace saccade {

void add_replay(CLI::App& app, CommonFlags&) {
  CLI::App* command = app.add_subcommand("replay", "Learn from a stream of views, event by event");
  command->add_flag("--keys", "List the keys of experiment files with their defaults and units")->required();
  add_example(*command, "saccade replay --keys");
  command->callback([] { fmt::print("{}", list_experiment_keys()); });
}

}  // namespace saccade
