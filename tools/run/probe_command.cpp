#include "tools/run/probe_command.h"

#include <fmt/format.h>

#include <chrono>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/replace_file.h"
#include "tools/run/evaluation.h"
#include "tools/run/interrupt.h"
#include "tools/run/labelled_views.h"
#include "tools/run/learned_parameters.h"
#include "tools/run/probe_log.h"
#include "tools/run/progress.h"
#include "tools/run/run_report.h"

namespace saccade {

int probe_checkpoint(const std::filesystem::path& file, const CommonFlags& flags, bool announce) {
  const std::filesystem::path data_sets = data_folder(flags);
  catch_interrupts();
  const auto begin = std::chrono::steady_clock::now();
  if (flags.out.empty()) throw InputError("probe: where should the results go? Give --out DIR");
  for (const std::string& override : flags.set)
    if (!override.starts_with("probe."))
      throw InputError(
          fmt::format("--set {}: a checkpoint is probed as it is; expected a key that starts with probe.", override));
  const Checkpoint checkpoint = load_checkpoint(real_files(), file);
  const Experiment experiment = parse_experiment(checkpoint.experiment, file.string(), flags.set);
  const auto device = make_device(flags);
  const Parameters learned = learned_parameters(*device, experiment, checkpoint, file);
  const DataSet data =
      labelled_data(experiment, data_sets, {flags.threads, progress_of("reading", "images", flags.quiet)});
  const RunFolder folder = create_run_folder(flags.out);

  Evaluation evaluation(*device, experiment, data, flags.quiet);
  const Parameters untrained(*device, experiment.network, make_rule("bp"), Heads::top_only,
                             experiment.seed_of_weights(), 1, experiment.arithmetic);
  ProbeLog log(folder.folder / "probes.csv", {});
  RunSummary summary;
  summary.command = "probe";
  summary.seed = experiment.seed;
  summary.device = device->name();
  summary.instruction_set = device->instruction_set();
  summary.arithmetic = checkpoint.arithmetic;
  summary.threads = device->threads();
  summary.data = data_name(experiment.data);
  summary.events = checkpoint.event;
  summary.fingerprint = fingerprint(checkpoint);
  log.add(checkpoint.event, "learned", summary.probe = evaluation.layers(learned, "learned network"));
  if (experiment.probe.untrained)
    log.add(0, "untrained", summary.random_probe = evaluation.layers(untrained, "untrained network"));
  if (experiment.probe.pixels) log.add(0, "pixels", summary.pixels_probe = evaluation.pixels(untrained));
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  summary.peak_rss_bytes = peak_rss_bytes();
  summary.interrupted = interrupted();
  const std::string json = summary_json(summary);
  replace_file(folder.summary(), json);
  if (announce && flags.json)
    fmt::print("{}", json);
  else if (announce)
    print_accuracies(summary);
  return interrupted() ? 130 : 0;
}

}  // namespace saccade
