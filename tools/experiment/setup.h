#pragma once
#include <memory>

#include "models/batch_learner.h"
#include "models/online_learner.h"
#include "streams/fixation_stream.h"
#include "streams/image_folder.h"
#include "tools/experiment/experiment.h"

/// From an experiment's plain values to what the library takes.
namespace saccade {

LearnerOptions learner_options(const Experiment& experiment);
/// CLAPP on grey crops learns from the patches of a grid (Table 2), not from pairs of views.
bool learns_from_patches(const Experiment& experiment);
/// Batch mode shows two views of an image, but under a supervised loss and to CLAPP on patches.
bool learns_from_pairs(const Experiment& experiment);
/// Views that count as a pair in `pairs_per_second`.
double views_of_pair(const Experiment& experiment, bool batches);
/// The network that learns: that of the experiment, or the same layers on one patch.
NetworkSpec learned_network(const Experiment& experiment);
/// `steps` of the whole training.
BatchOptions batch_options(const Experiment& experiment, std::uint64_t steps);
/// What the stream and the batches show: the images that the network learns from, deformed as the experiment says.
std::shared_ptr<const ViewSource> view_source(const Experiment& experiment, const DataSet& data);
/// The experiment's stream of events, generated or recorded. InputError when the recording is not the one that the
/// experiment was resolved with, or shorter than `events`.
std::unique_ptr<RenderableStream> event_stream(const Experiment& experiment, const DataSet& data);
FolderOptions folder_options(const Experiment& experiment);
/// The experiment's data set below `folder`, or stills of the built-in world; empty where it is none. InputError; also
/// when there are no training images.
DataSet load_experiment_data(const Experiment& experiment, const std::filesystem::path& folder,
                             const Decoding& decoding = {});
/// What the network learns from: the labelled images for a supervised loss, else those for encoders.
const ImageSet& learned_images(const Experiment& experiment, const DataSet& data);
/// Those images on a device that renders the experiment's views, so that the learner is sent recipes alone; null where
/// the streams render.
std::unique_ptr<DeviceImages> device_images(Device& device, const Experiment& experiment, const DataSet& data);
/// The probe's data set, all of its labelled images. InputError when its images do not suit the network.
DataSet load_probe_data(const Experiment& experiment, const std::filesystem::path& folder,
                        const Decoding& decoding = {});

}  // namespace saccade
