#pragma once
#include "streams/image_set.h"
#include "tools/experiment/experiment.h"
#include "tools/report/report.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// The report of a run from its experiment, summary, metrics.csv and first views (run_sheet(); may be empty).
RunReport run_report(const Experiment& experiment, const RunSummary& summary, const RunFolder& folder,
                     const ViewSheet& sheet);

/// Accuracies per layer beside the untrained network and raw pixels, as lines of text; nothing when none was measured.
void print_accuracies(const RunSummary& summary);

}  // namespace saccade
