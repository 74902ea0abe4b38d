#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli.h"
#include "tools/reproduce/presets.h"

namespace saccade {

/// What `saccade reproduce` is asked for.
struct ReproduceRequest {
  std::string table;
  CommonFlags flags;
  std::vector<std::string> rows;       ///< parts of cells' names; empty = all cells
  std::optional<std::int64_t> epochs;  ///< of the encoder instead of the published number
  std::optional<std::int64_t> images;  ///< at most so many training images of the encoder
  std::vector<std::int64_t> seeds{1};
  std::string encoder_data;  ///< instead of CIFAR-100 or CIFAR-10
};

/// Runs what is missing of a table or figure and rewrites its outputs after every cell. The folder flags.out:
///   runs/<preset>/seed-N      a run folder of `saccade train`; tables share it where their cells are the same run
///   probes/<table>/<cell>/seed-N  a probe of its own on such a run
///   <table>.csv .md .html     our numbers beside the published ones, and figures
/// Returns 0, or 130 when interrupted: the same command then goes on. InputError for a request that cannot be met and
/// for a run in the folder that is not the one asked for.
int reproduce(const ReproduceRequest& request);

/// All tables and figures with their cells and preset files.
std::string list_presets();
std::string list_presets_json();

/// Those cells whose name contains one of `rows` (all when empty). InputError, with the known names, for a text that no
/// cell contains.
std::vector<PresetCell> chosen_cells(const PresetTable& table, const std::vector<std::string>& rows);

}  // namespace saccade
