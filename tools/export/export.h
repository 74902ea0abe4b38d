#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "tools/cli.h"

namespace saccade {

/// What `saccade export` is asked for.
struct ExportRequest {
  std::filesystem::path source;  ///< a checkpoint, or the folder of a run, whose newest is taken
  std::string embeddings;        ///< "train" or "test": of labelled images; empty: the weights
  std::optional<int> layer;      ///< else all
  std::int64_t images = 10000;   ///< the first so many; 0 = all
  bool deformed = false;         ///< every image deformed, as the probe tests
  bool features = false;         ///< also the map that each layer's head reads
  bool views = false;            ///< also the images themselves, as the network sees them
};

/// Writes flags.out, a safetensors file.
///
/// Weights: every synapse of the checkpoint by its name there, as `saccade step` reads them: conv.I.weight [K, C, 3,
/// 3], head.I.weight [64, F], feedback.*, and under a supervised loss head.I.bias.
///
/// Embeddings of n labelled images: label [n] int64; embedding.I [n, 64] for every layer with a head (under a
/// supervised loss: the scores of the classes); with `features` features.I [n, C, H, W]; with `views` view [n, C, H,
/// W]. They are written as they are computed, so that memory does not grow with n.
///
/// Metadata of both (strings): experiment, event, fingerprint, network, arithmetic, instruction_set; of embeddings also
/// data, images, views.
///
/// InputError before anything is written when the request cannot be met.
int export_tensors(const ExportRequest& request, const CommonFlags& flags);

}  // namespace saccade
