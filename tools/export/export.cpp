#include "tools/export/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/experiment/experiment.h"
#include "tools/export/embeddings.h"
#include "tools/replace_file.h"
#include "tools/run/run_folder.h"
#include "tools/safetensors.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

Checkpoint checkpoint_of(const fs::path& source) {
  if (!fs::is_directory(source)) return load_checkpoint(real_files(), source);
  std::string warning;
  std::optional<Checkpoint> newest = load_newest(real_files(), source, warning);
  if (!newest)
    throw InputError(fmt::format("{}: there is no usable checkpoint in this folder, expected that of a run{}{}",
                                 source.string(), warning.empty() ? "" : ": ", warning));
  if (!warning.empty()) tell("warning: {}", warning);
  const RunFolder run{source};
  if (fs::exists(run.summary()))
    if (const RunSummary summary = read_summary(run.summary()); summary.diverged)
      tell("warning: {}: {}; this is its last checkpoint before that, after {}", source.string(), summary.divergence,
           newest->event);
  return std::move(*newest);
}

std::map<std::string, std::string> metadata_of(const Experiment& experiment, const Checkpoint& checkpoint) {
  return {{"experiment", checkpoint.experiment},    {"event", fmt::format("{}", checkpoint.event)},
          {"fingerprint", fingerprint(checkpoint)}, {"network", experiment.network.name},
          {"arithmetic", checkpoint.arithmetic},    {"instruction_set", checkpoint.instruction_set}};
}

/// A checkpoint also holds the state of optimiser and memory.
SafeTensors synapses(const Experiment& experiment, Checkpoint& checkpoint) {
  SafeTensors weights;
  for (Tensor& tensor : checkpoint.tensors) {
    if (tensor.name.starts_with("adam.") || tensor.name.starts_with("memory.")) continue;
    if (tensor.name == "classifier.bias") {  // in the lanes of a device
      tensor.name = fmt::format("head.{}.bias", experiment.network.depth() - 1);
      tensor.data.resize(static_cast<std::size_t>(experiment.network.embedding));
      tensor.shape = {tensor.data.size()};
    }
    weights.reals.push_back(std::move(tensor));
  }
  return weights;
}

}  // namespace

int export_tensors(const ExportRequest& request, const CommonFlags& flags) {
  if (request.embeddings.empty() && (request.layer || request.deformed || request.features || request.views))
    throw InputError("export: --layer, --deformed, --features and --views go with --embeddings train or test");
  check_replaceable("--out", flags.out, {".safetensors"});
  Checkpoint checkpoint = checkpoint_of(request.source);
  const Experiment experiment = parse_experiment(checkpoint.experiment, request.source.string());
  std::map<std::string, std::string> metadata = metadata_of(experiment, checkpoint);
  std::vector<TensorEntry> entries;
  if (request.embeddings.empty()) {
    SafeTensors weights = synapses(experiment, checkpoint);
    weights.metadata = metadata;
    write_safetensors(flags.out, weights);
    for (const Tensor& tensor : weights.reals) entries.push_back({tensor.name, false, tensor.shape});
  } else {
    entries = export_embeddings(request, flags, experiment, checkpoint, metadata);
  }
  if (flags.json) {
    nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
    for (const TensorEntry& entry : entries)
      tensors.push_back({{"name", entry.name}, {"dtype", entry.integers ? "I64" : "F32"}, {"shape", entry.shape}});
    const nlohmann::ordered_json json = {{"file", flags.out.string()},
                                         {"bytes", real_files().size(flags.out)},
                                         {"event", checkpoint.event},
                                         {"fingerprint", metadata["fingerprint"]},
                                         {"tensors", tensors}};
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else if (!flags.quiet) {
    for (const TensorEntry& entry : entries)
      fmt::print("{:<28} [{}]{}\n", entry.name, fmt::join(entry.shape, ", "), entry.integers ? " int64" : "");
    fmt::print("{} tensors, {:.1f} MB in {}\n", entries.size(), static_cast<double>(real_files().size(flags.out)) / 1e6,
               flags.out.string());
  }
  return 0;
}

}  // namespace saccade
