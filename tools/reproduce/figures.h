#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tools/cli.h"
#include "tools/reproduce/cell_run.h"

/// The paper's figures as HTML for a page, each with its data or pictures as files in the folder of the results. Runs
/// that are not finished are left out.
namespace saccade {

/// Figure 6: the mean loss of a pair against the epoch, from the runs' metrics.csv.
std::string loss_figure(const std::vector<CellRun>& runs);
/// Figure 7: the accuracy of a linear classifier on every layer.
std::string layers_figure(const std::vector<CellRun>& runs);
/// Figures 2, 9 and 10: sheets of views; <table>-<cell>.png in flags.out.
std::string views_figure(const PresetTable& table, const std::vector<CellRun>& runs, const CommonFlags& flags);
/// Figure 5: distances of the pairs of one batch in the untrained network; <table>.csv's neighbour
/// <table>-distances.csv.
std::string distances_figure(const PresetTable& table, const CellRun& run, const CommonFlags& flags);
/// Figure 8: t-SNE of every layer; <table>-layer-I.csv. Empty when interrupted.
std::string tsne_figure(const PresetTable& table, const CellRun& run, const CommonFlags& flags);

/// One of the above, by the table's kind. `last`: nothing follows; what takes long is left out before.
std::string figure_html(const PresetTable& table, const std::vector<CellRun>& runs, const CommonFlags& flags,
                        bool last);

}  // namespace saccade
