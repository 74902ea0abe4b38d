#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tools/report/metrics_file.h"
#include "tools/run/run_folder.h"
#include "tools/sweep/study_folder.h"

namespace saccade {

/// What a run of a study came to.
struct StudyResult {
  StudyRun run;
  RunState state = RunState::missing;
  std::string error;                ///< why it failed
  std::vector<std::string> values;  ///< of the study's varied keys, words without quotes
  RunSummary summary;               ///< of a finished run, and the metrics too
  std::vector<MetricSeries> metrics;

  bool finished() const { return state == RunState::finished || state == RunState::diverged; }
  /// The last value of a quantity in metrics.csv, NaN without one; layer -1 = end to end.
  double last(const std::string& quantity, int layer) const;
};

struct StudyResults {
  Study study;
  std::vector<StudyResult> runs;  ///< as study_runs() orders them

  std::size_t count(RunState state) const;
};

/// Reads what the runs of a study have left. InputError when a file of a finished run is damaged.
StudyResults read_study_results(const StudyFolder& folder, const Study& study);

/// A row per run, layer and kind of test images ("plain", "deformed"), and one with empty layer and accuracies for a
/// run that was not probed or is not finished. Columns: run, point, the varied keys, seed, status, command, data,
/// images (that learning uses; 0 = all), events, updates, layer, test, accuracy, untrained (the same seed's), gain,
/// pixels (fractions), loss (of the last stretch), positive_distance, negative_distance, positive_active,
/// negative_active (of the layer, or end to end), memory_floats, fingerprint, protocol, error. What a run computes,
/// nothing that was measured with a clock: the same bytes however many runs went side by side.
std::string results_csv(const StudyResults& results);

/// A row per finished run: run, seed, device, threads, seconds (of the learning loop), views_per_second,
/// peak_rss_bytes.
std::string costs_csv(const StudyResults& results);

}  // namespace saccade
