#pragma once
#include <filesystem>
#include <string>

#include "models/linear_probe.h"
#include "streams/image_set.h"
#include "streams/load.h"
#include "tools/experiment/experiment.h"

namespace saccade {

/// Labelled images as a probe of an experiment reads them, and how they are shown: "plain", "deformed (affine, every
/// image)".
struct LabelledViews {
  LabelledImages images;
  std::string how;
  std::string which = "test images";
};

enum class Part { train, test };

/// The first `count` labelled images of a part (0 = all): as they are (cropped where the views are), or each of them
/// deformed as `probe.deformation` says, or as the stream does; under "auto" a data set with deformed test images of
/// its own shows those. The data must outlive the result. InputError when deformed images are not of the size that the
/// network reads.
LabelledViews labelled_views(const Experiment& experiment, const DataSet& data, Part part, std::int64_t count,
                             bool deformed);

/// What the experiment's probe is tested on, likewise: images of `probe.test` from `probe.test_from` on. InputError
/// when there are none, or when the probe is trained on them.
LabelledViews tested_views(const Experiment& experiment, const DataSet& data, bool deformed);

/// What a probe of this experiment reads: a data set of its own whole, the run's own as far as `images` says.
DataSet labelled_data(const Experiment& experiment, const std::filesystem::path& folder, const Decoding& decoding);

}  // namespace saccade
