#pragma once
#include <filesystem>

#include "tools/experiment/experiment.h"
#include "tools/report/metrics_file.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// A run as its folder tells of it, whether it was finished, interrupted or killed, or still goes on.
struct RecordedRun {
  RunFolder folder;
  Experiment experiment;
  /// Of a run that left no summary.json, or went on behind it: what its newest checkpoint and probes.csv say; devices,
  /// threads and memory stay unknown (empty and 0).
  RunSummary summary;
  std::vector<MetricSeries> metrics;  ///< may go beyond the checkpoint
  bool finished = true;

  bool batches() const { return summary.command == "train"; }
};

/// InputError when the folder is not that of a run, nothing is recorded in it yet, or a file of it is damaged.
RecordedRun read_run(const std::filesystem::path& folder);

}  // namespace saccade
