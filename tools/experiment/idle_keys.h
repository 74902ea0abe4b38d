#pragma once
#include <string>
#include <vector>

#include "tools/experiment/experiment.h"

namespace saccade {

/// Keys that were given a value of their own and yet do nothing beside the others, each with what it would need:
/// "memory.trace_time = 3.0 does nothing: it acts with memory.trace = \"exponential\"". A key with its default value,
/// or one that is refused where it does not apply, is not among them.
std::vector<std::string> idle_keys(const Experiment& experiment, Mode mode);

}  // namespace saccade
