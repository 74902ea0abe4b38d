#include "tools/audit/audit.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "engine/error.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"
#include "tools/experiment/preset.h"
#include "tools/run/replay.h"
#include "tools/run/train.h"

namespace saccade {
namespace {

struct Request {
  std::filesystem::path experiment;
  std::string preset;
  bool train = false;
};

void run(const Request& request, const CommonFlags& flags) {
  if (!request.preset.empty() && !request.experiment.empty())
    throw InputError(
        fmt::format("--preset {} and {}: expected one experiment", request.preset, request.experiment.string()));
  const std::filesystem::path file = request.preset.empty() ? request.experiment : preset_file(request.preset);
  Experiment experiment = load_experiment(file, flags.set, request.train ? Mode::batch : Mode::event);
  // An experiment that counts in epochs was written for batches; event mode would not look at them.
  const bool counts_epochs = experiment.epochs != Experiment{}.epochs;
  const bool batches = request.train || counts_epochs || against_replay(experiment).has_value();
  if (batches) {
    experiment = load_experiment(file, flags.set, Mode::batch);
    check_train(experiment);
  }
  const Audit found = audit(experiment, batches);
  fmt::print("{}", flags.json ? audit_json(found) : audit_text(found));
}

}  // namespace

void add_audit(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "audit", "Which conditions of plausible learning a configuration meets, what it reads and what it keeps");
  const auto request = std::make_shared<Request>();
  command->add_option("experiment", request->experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_option("--preset", request->preset, "An experiment file that comes with the program")->type_name("NAME");
  command->add_flag(
      "--train", request->train,
      "As saccade train runs it; without it so only where epochs are given, or where replay cannot run it");
  add_experiment_flags(*command, flags);
  command->add_flag("--json", flags.json, "Print as JSON");
  add_example(*command, "saccade audit --set schedule=e2e --set rule=rf\n  saccade audit --train --set loss=simclr");
  command->callback([&flags, request] { run(*request, flags); });
}

}  // namespace saccade
