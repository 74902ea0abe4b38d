#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace saccade {

/// One number of the paper, or one part of a figure.
struct PresetCell {
  std::string name, row, column;
  std::string preset;       ///< experiment file without ".toml", below the folder of presets; cells may share one
  double published = 0;     ///< test accuracy, %; NaN = none
  bool at_least = false;    ///< `published` is a bound, not a value
  bool deformed = false;    ///< which accuracy is compared: on deformed test images, or on plain ones,
  bool classifier = false;  ///< of the supervised network's own classifier, or of the linear probe of the top layer
  std::string note;         ///< where the paper is silent, or our protocol differs for good
  std::vector<std::string> probe;  ///< key=value: measured by a probe of its own on the finished encoder
  std::string show;                ///< figures of views: "single", "tested", "pairs"
};

/// One table or figure of the paper.
struct PresetTable {
  std::string name, title, caption;
  std::string protocol;  ///< of the paper, in words
  std::string figure;    ///< empty for a table; losses, layers, tsne, distances, views
  std::vector<PresetCell> cells;

  /// Whether its cells need finished runs.
  bool runs() const { return figure != "distances" && figure != "views"; }
};

/// All tables and figures, in the paper's order.
const std::vector<std::string>& preset_names();

/// Reads <folder>/<name>.toml. InputError for an unknown name, with the known ones, and for a file that is not as
/// described here.
PresetTable load_preset_table(const std::filesystem::path& folder, const std::string& name);

}  // namespace saccade
