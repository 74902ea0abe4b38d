#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"
#include "tools/run/probe_command.h"

namespace saccade {

void add_probe(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("probe", "Linear evaluation per layer of the network in a checkpoint");
  const auto checkpoint = std::make_shared<std::filesystem::path>();
  command->add_option("--checkpoint", *checkpoint, "Checkpoint of a run")->required()->type_name("FILE");
  command->add_option("--out", flags.out, "Folder of the results: new or empty")->type_name("DIR");
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(
      *command,
      "saccade probe --checkpoint runs/first/checkpoint-120000.ckpt --set probe.epochs=100 --out runs/first-probe");
  command->callback([&flags, checkpoint] { flags.exit_code = probe_checkpoint(*checkpoint, flags); });
}

}  // namespace saccade
