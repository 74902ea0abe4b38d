#pragma once
#include <map>

#include "engine/checkpoint.h"
#include "tools/experiment/experiment.h"
#include "tools/export/export.h"
#include "tools/export/safetensors_stream.h"

namespace saccade {

/// The second kind of export (export.h): writes flags.out and returns what is in it.
std::vector<TensorEntry> export_embeddings(const ExportRequest& request, const CommonFlags& flags,
                                           const Experiment& experiment, const Checkpoint& checkpoint,
                                           std::map<std::string, std::string> metadata);

}  // namespace saccade
