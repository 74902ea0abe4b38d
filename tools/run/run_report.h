#pragma once
#include "streams/image_set.h"
#include "tools/experiment/experiment.h"
#include "tools/report/report.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// The report of an event-mode run from its first views, its summary and metrics.csv.
RunReport replay_report(const Experiment& experiment, const ViewSheet& sheet, const RunSummary& summary,
                        const RunFolder& folder, double memory_floats);
/// The same of a training of so many steps.
RunReport train_report(const Experiment& experiment, const DataSet& data, const RunSummary& summary,
                       const RunFolder& folder, std::uint64_t steps);

/// Accuracies per layer beside the untrained network and raw pixels, as lines of text; nothing when none was measured.
void print_accuracies(const RunSummary& summary);

}  // namespace saccade
