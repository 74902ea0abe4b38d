#pragma once
#include <filesystem>

#include "streams/image_set.h"
#include "streams/stream.h"
#include "tools/experiment/experiment.h"
#include "tools/report/report.h"

namespace saccade {

/// The first pairs of a training's first batch, in rows as below.
ViewSheet first_pairs(const Experiment& experiment, const DataSet& data);

/// The next fixations of the experiment's stream, as many as a sheet shows: a row per anchor with the later views of
/// its fixation (positives) and the positives of the fixations that follow (its negatives).
ViewSheet first_views(const Experiment& experiment, RenderableStream& stream);

/// The same, of what has arrived for a served run: of the stream that came first, from the recording, whole or not.
ViewSheet first_arrivals(const Experiment& experiment, const std::filesystem::path& recording);

/// Either, from the experiment's data: of a training (`batches`) or a replay.
ViewSheet run_sheet(const Experiment& experiment, bool batches, const DataSet& data);

}  // namespace saccade
