#pragma once
#include "models/online_learner.h"
#include "streams/fixation_stream.h"
#include "streams/image_set.h"
#include "tools/experiment.h"

/// From an experiment's plain values to what the library takes.
namespace saccade {

LearnerOptions learner_options(const Experiment& experiment);
StreamOptions stream_options(const Experiment& experiment);
/// The experiment's data set below `folder`. InputError; also when there are no training images.
DataSet load_experiment_data(const Experiment& experiment, const std::filesystem::path& folder);

}  // namespace saccade
