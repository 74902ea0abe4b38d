#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tools/report/metrics_file.h"
#include "tools/run/run_folder.h"
#include "tools/sweep/study_folder.h"

namespace saccade {

/// How a run of a study stands. One that is finished counts in means and plots. One that diverged (a distance or a loss
/// was not finite) or collapsed (measure.collapse stopped it) has ended as well, but only tells its numbers.
enum class RunState { missing, begun, finished, diverged, collapsed, failed };
const char* to_string(RunState state);

/// What a run of a study came to.
struct StudyResult {
  StudyRun run;
  RunState state = RunState::missing;
  std::string error;                ///< why it failed or collapsed
  std::vector<std::string> values;  ///< of the study's varied keys, words without quotes
  RunSummary summary;               ///< of a run that has ended, and the metrics too
  std::vector<MetricSeries> metrics;

  bool finished() const { return state == RunState::finished; }
  bool ended() const { return finished() || state == RunState::diverged || state == RunState::collapsed; }
  /// The value at event 0, of the untrained network, and the last value of a quantity in metrics.csv, NaN without one;
  /// layer -1 = end to end.
  double first(const std::string& quantity, int layer) const;
  double last(const std::string& quantity, int layer) const;
};

struct StudyResults {
  Study study;
  std::vector<StudyResult> runs;    ///< as study_runs() orders them
  std::vector<std::string> others;  ///< run folders that belong to no run of the study

  std::size_t count(RunState state) const;
  std::size_t ended() const;
};

/// What a run has left. One with a damaged file has failed, and `error` says what to do.
StudyResult read_run(const StudyFolder& folder, const Study& study, const StudyRun& run);
StudyResults read_study_results(const StudyFolder& folder, const Study& study);

/// A row per run, layer and kind of test images ("plain", "deformed"); of a run that was not probed a row per layer
/// that metrics.csv has, without accuracies; of one that has not ended a row without layer. Columns: run, point, the
/// varied keys, seed, status, command, data, images (that learning uses; 0 = all), events, updates, layer, test,
/// accuracy, untrained (the same seed's), gain, pixels (fractions), loss (of the last stretch), positive_distance,
/// negative_distance, positive_active, negative_active (of the layer, or end to end), memory_floats, fingerprint,
/// protocol, error. What a run computes, nothing that was measured with a clock: the same bytes however many runs went
/// side by side.
std::string results_csv(const StudyResults& results);

/// What measure.* wrote into metrics.csv, a row per run that has ended, layer (-1 = end to end) and quantity. Columns:
/// run, point, the varied keys, seed, status, layer, quantity, first (at event 0: of the untrained network; empty where
/// that was not defined), last, event (of the last).
std::string measures_csv(const StudyResults& results);

/// A row per run that has ended: run, seed, device, threads, seconds (of the learning loop), views_per_second,
/// peak_rss_bytes.
std::string costs_csv(const StudyResults& results);

}  // namespace saccade
