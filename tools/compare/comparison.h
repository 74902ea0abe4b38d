#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/experiment/experiment_differences.h"
#include "tools/report/statistic.h"
#include "tools/run/recorded_run.h"

namespace saccade {

/// What a number of a run measures: `layer` from 0, or nothing for what is of the whole run (end to end, raw pixels).
struct MeasureName {
  std::string name;
  std::optional<int> layer;
  friend bool operator==(const MeasureName&, const MeasureName&) = default;
};

/// A number of a run.
struct ComparedMeasure {
  MeasureName of;
  double value = 0;
  std::string protocol = {};  ///< of an accuracy
};

struct ComparedRun {
  RecordedRun run;
  std::string name;  ///< the end of its folder's path, as long as it takes to tell the runs apart
  std::size_t group = 0;
  std::vector<ComparedMeasure> measures;

  /// NaN when it was not measured.
  double value(const MeasureName& of) const;
};

/// Runs that differ by their seed alone.
struct RunGroup {
  std::string letter;  ///< "A", in the order of the runs
  std::string name;    ///< settings that tell it from the others, or its first run's name
  std::vector<std::size_t> runs;
};

/// Runs side by side, in the order in which they were given.
struct RunComparison {
  std::vector<ComparedRun> runs;
  std::vector<RunGroup> groups;
  std::vector<DifferingKey> settings;  ///< with a value per group; "mode" (event, batch) first where it differs

  /// Every measure of any run, in the order of the first that has it.
  std::vector<MeasureName> measures() const;
  /// Over the runs of a group that have it.
  Statistic of_group(std::size_t group, const MeasureName& of) const;
  /// `of` minus `minus` in the same run, over the runs of a group that have both.
  Statistic gain(std::size_t group, const MeasureName& of, const MeasureName& minus) const;
  /// Group minus reference, over the seeds that both have; of several runs with the same seed the first counts.
  Statistic paired(std::size_t group, std::size_t reference, const MeasureName& of) const;
};

/// Reads and groups them. InputError when a folder is not that of a run, or is given twice.
RunComparison compare_runs(const std::vector<std::filesystem::path>& folders);

/// A row a run x layer x measure: run,group,seed,mode,finished,data,layer,measure,value,protocol; `layer` is empty for
/// what is of the whole run.
std::string comparison_csv(const RunComparison& comparison);

/// One page that needs nothing else.
std::string comparison_html(const RunComparison& comparison);

}  // namespace saccade
