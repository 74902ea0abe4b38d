#include "tools/run/recorded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/experiment/setup.h"
#include "tools/run/probe_log.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

double first_real(const Checkpoint& checkpoint, const char* name) {
  const std::vector<double>& values = checkpoint.real_values(name);
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : values.front();
}

/// What can be known of a run that has not written its summary.
RunSummary summary_of(const Checkpoint& checkpoint, const Experiment& e, const RunFolder& folder) {
  RunSummary s;
  s.command = maker_of(checkpoint);
  s.seed = e.seed;
  s.instruction_set = checkpoint.instruction_set;
  s.arithmetic = checkpoint.arithmetic;
  s.data = data_name(e.data);
  s.fingerprint = fingerprint(checkpoint);
  s.seconds = first_real(checkpoint, "record.seconds");
  s.loss = first_real(checkpoint, "record.metrics");
  s.interrupted = true;
  if (s.command == "train") {
    s.updates = checkpoint.event;
    s.events = checkpoint.event * static_cast<std::uint64_t>(e.batch) * (learns_from_pairs(e) ? 2 : 1);
  } else {
    s.events = checkpoint.event;
    s.length = e.events == Experiment::unbounded ? 0 : static_cast<std::uint64_t>(e.events);
    const std::vector<std::int64_t>& updates = checkpoint.integer_values("learner.updates");
    s.updates = updates.empty() ? 0 : static_cast<std::uint64_t>(updates.front());
  }
  if (s.seconds > 0) s.events_per_second = static_cast<double>(s.events) / s.seconds;
  s.pairs_per_second = s.events_per_second / views_of_pair(e, s.command == "train");
  const ProbeLog probes(folder.folder / "probes.csv", std::numeric_limits<std::uint64_t>::max());
  s.probe = probes.latest("learned");
  s.random_probe = probes.latest("untrained");
  s.pixels_probe = probes.latest("pixels");
  s.classifier = probes.latest("classifier");
  return s;
}

}  // namespace

RecordedRun read_run(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    throw InputError(fmt::format("{}: expected the folder of a run, as saccade replay and saccade train leave it; {}",
                                 path.string(), fs::exists(path, error) ? "this is a file" : "there is nothing here"));
  RecordedRun run{.folder = {path}, .experiment = {}, .summary = {}, .metrics = {}};
  if (!fs::exists(run.folder.experiment(), error))
    throw InputError(fmt::format("{}: {}", path.string(), no_run_in(run.folder)));
  run.experiment = load_experiment(run.folder.experiment());
  const bool said = fs::exists(run.folder.summary(), error);
  if (said) run.summary = read_summary(run.folder.summary());
  run.finished = said && !run.summary.interrupted;
  if (!run.finished) {
    std::string warning;
    const std::optional<Checkpoint> newest = load_newest(real_files(), path, warning);
    if (newest && (!said || fingerprint(*newest) != run.summary.fingerprint))
      run.summary = summary_of(*newest, run.experiment, run.folder);
    else if (!newest && !said)
      throw InputError(
          fmt::format("{}: nothing is recorded in this folder yet: neither summary.json nor a usable "
                      "checkpoint{}{}",
                      path.string(), warning.empty() ? "" : "; ", warning));
  }
  if (run.summary.command != "replay" && run.summary.command != "train" && run.summary.command != "serve")
    throw InputError(fmt::format("{}: command is \"{:.40}\", expected \"replay\", \"train\" or \"serve\"",
                                 run.folder.summary().string(), run.summary.command));
  run.metrics = read_metrics(run.folder.metrics());
  return run;
}

}  // namespace saccade
