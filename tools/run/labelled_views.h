#pragma once
#include <filesystem>

#include "models/linear_probe.h"
#include "streams/image_set.h"
#include "tools/experiment/experiment.h"

namespace saccade {

/// How a probe's images are shown: as they are (cropped where the views are), or each of them deformed.
enum class Show { train, test, deformed };

/// How an experiment's probe deforms: `probe.deformation`, or as the stream does.
ViewKind probe_deformation(const Experiment& experiment, const ImageSet& images);

/// The first `count` labelled images of a set (0 = all), as a probe of the experiment reads them. The set must outlive
/// the result. InputError when deformed images are not of the size that the network reads.
LabelledImages labelled_images(const Experiment& experiment, const ImageSet& images, std::int64_t count, Show show);

/// What a probe of this experiment reads: a data set of its own whole, the run's own as far as `images` says.
DataSet labelled_data(const Experiment& experiment, const std::filesystem::path& folder);

}  // namespace saccade
