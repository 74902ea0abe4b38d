#pragma once
#include <memory>

#include "streams/image_set.h"
#include "tools/experiment/experiment.h"
#include "tools/measures/learning_measures.h"

namespace saccade {

/// The measures that an experiment asks for; null where it asks for none. InputError when there is nothing to draw
/// views from. Gradients are those of the hinge and of SimCLR; CLAPP learns no heads.
std::unique_ptr<LearningMeasures> make_measures(Device& device, const Experiment& experiment, const DataSet& data);

}  // namespace saccade
