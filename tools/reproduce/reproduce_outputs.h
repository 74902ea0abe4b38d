#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/reproduce/presets.h"

namespace saccade {

/// What was measured for a cell; means and spread in %, NaN where nothing is finished yet.
struct CellResult {
  PresetCell cell;
  std::vector<std::int64_t> seeds;  ///< finished ones
  double mean = 0, sd = 0;          ///< sd: of the sample, NaN for one seed
  std::int64_t epochs = 0, images = 0;
  double seconds = 0;                ///< in the learning loops of all seeds
  std::int64_t test_images = 10000;  ///< that each accuracy is of
  std::vector<std::string> differs;  ///< from the published protocol: key by key, then the cell's note

  double difference() const { return mean - cell.published; }
};

/// Mean and spread of accuracies (%), one per seed.
void set_accuracies(CellResult& result, const std::vector<double>& accuracies);

/// A table with our numbers beside the published ones.
struct ReproducedTable {
  PresetTable table;
  std::vector<CellResult> cells;
  std::string figure;  ///< HTML, above the numbers; empty without one
  std::string left;    ///< what is still to be done and how long it may take; empty when all is done
};

/// One row a cell: table,cell,row,column,published,ours_mean,ours_sd,n,difference,seeds,epochs,images,seconds,protocol,
/// differs. Texts are quoted, a number that is missing is empty.
std::string reproduced_csv(const ReproducedTable& table);
std::string reproduced_markdown(const ReproducedTable& table);
std::string reproduced_html(const ReproducedTable& table);
std::string reproduced_json(const ReproducedTable& table);
/// For the terminal.
std::string reproduced_text(const ReproducedTable& table);

/// Writes <table>.html into `out` and, where there are numbers, .csv and .md, each as a whole.
void write_outputs(const ReproducedTable& table, const std::filesystem::path& out);

}  // namespace saccade
