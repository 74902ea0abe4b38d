#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "engine/error.h"
#include "tools/commands/commands.h"
#include "tools/experiment/preset.h"
#include "tools/run/replay.h"
#include "tools/run/train.h"

/// `replay` and `train`: the commands that make a run.
namespace saccade {
namespace {

void add_run(CLI::App& app, CommonFlags& flags, const char* name, const char* description, Mode mode,
             int (*run)(const RunRequest&), const char* example) {
  CLI::App* command = app.add_subcommand(name, description);
  const auto keys = std::make_shared<bool>(false);
  const auto experiment = std::make_shared<std::filesystem::path>();
  command->add_option("experiment", *experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  const auto preset = std::make_shared<std::string>();
  command
      ->add_option("--preset", *preset,
                   "An experiment file that comes with the program, instead of one of yours; --presets lists them")
      ->type_name("NAME");
  const auto list = std::make_shared<bool>(false);
  command->add_flag("--presets", *list, "List the presets");
  command->add_flag("--keys", *keys, "List the keys of experiment files with their defaults and units");
  command->add_option("--out", flags.out, "Folder of the run: new or empty")->type_name("DIR");
  command->add_option("--resume", flags.resume, "Go on with the run in this folder; needs nothing else")
      ->type_name("DIR");
  command
      ->add_option("--baselines", flags.baselines,
                   "Folder in which runs of the same seed and protocol share the accuracies of the untrained network "
                   "and of pixels")
      ->type_name("DIR");
  if (mode == Mode::event) {
    add_stream_flag(*command, flags);
    add_page_flags(*command, flags);
  }
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command, example);
  command->callback([&flags, keys, list, experiment, preset, mode, run] {
    apply_stream_flag(flags);
    if (*keys) return fmt::print("{}", list_experiment_keys(mode));
    if (*list) return fmt::print("{}\n", fmt::join(experiment_presets(), "\n"));
    if (!preset->empty() && !experiment->empty())
      throw InputError(fmt::format("--preset {} and {}: expected one experiment", *preset, experiment->string()));
    flags.exit_code = run({preset->empty() ? *experiment : preset_file(*preset), flags});
  });
}

}  // namespace

void add_replay(CLI::App& app, CommonFlags& flags) {
  add_run(app, flags, "replay", "Learn from a stream of views, event by event", Mode::event, replay,
          "saccade replay --data DIR --set data=cifar10 --set schedule=rll --out runs/first");
}

void add_train(CLI::App& app, CommonFlags& flags) {
  add_run(app, flags, "train", "Learn from mini-batches of pairs of views", Mode::batch, train,
          "saccade train --data DIR --set data=cifar10 --set loss=simclr --set epochs=2 --out runs/simclr");
}

}  // namespace saccade
