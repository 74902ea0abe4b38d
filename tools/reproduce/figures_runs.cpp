#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/error.h"
#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/reproduce/figures.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

/// gll: the layers' curves one after the other. rll: the mean over the layers, against all epochs. e2e: as it is.
PlotSeries loss_curve(const CellRun& run) {
  PlotSeries curve{run.cell().name, {}, {}};
  const std::vector<LossSeries> layers = read_losses(RunFolder{run.folder()}.metrics());
  if (experiment_word(run.experiment(), "schedule") != "rll") {
    for (const LossSeries& layer : layers) {
      const double before = curve.x.empty() ? 0 : curve.x.back();
      const double first = layer.epochs.empty() ? 0 : layer.epochs.front();
      for (std::size_t i = 0; i < layer.epochs.size(); ++i) {
        curve.x.push_back(before + 1 + layer.epochs[i] - first);
        curve.y.push_back(layer.losses[i]);
      }
    }
    return curve;
  }
  std::map<double, std::pair<double, int>> by_epoch;
  for (const LossSeries& layer : layers)
    for (std::size_t i = 0; i < layer.epochs.size(); ++i) {
      auto& [sum, count] = by_epoch[layer.epochs[i]];
      sum += layer.losses[i];
      ++count;
    }
  for (const auto& [epoch, value] : by_epoch) {
    curve.x.push_back(static_cast<double>(curve.x.size() + 1));
    curve.y.push_back(value.first / value.second);
  }
  return curve;
}

std::string loss_plot(const char* title, std::vector<PlotSeries> series) {
  if (series.empty()) return {};
  // "Excessively large values are cut off to maintain visibility": at twice the largest loss behind the first tenth.
  double highest = 0;
  for (const PlotSeries& one : series)
    for (std::size_t i = one.y.size() / 10; i < one.y.size(); ++i)
      if (std::isfinite(one.y[i])) highest = std::max(highest, one.y[i]);
  for (PlotSeries& one : series)
    for (double& value : one.y) value = std::min(value, 2 * highest);
  return "<figure>" +
         line_plot_svg({.title = title,
                        .x_label = "epoch",
                        .y_label = "loss per pair",
                        .series = std::move(series),
                        .references = {}}) +
         "</figure>\n";
}

}  // namespace

std::vector<LossSeries> read_losses(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string line;
  constexpr std::string_view header = "step,epoch,layer,quantity,value";
  if (!std::getline(in, line) || line != header)
    throw InputError(fmt::format("{}, line 1: found \"{:.60}\", expected \"{}\"", file.string(), line, header));
  std::map<int, LossSeries> layers;
  for (std::size_t number = 2; std::getline(in, line); ++number) {
    if (in.eof()) break;  // no newline: the writer was killed inside this line
    std::istringstream fields(line);
    double step = 0, epoch = 0, value = 0;
    int layer = 0;
    char comma[3] = {};
    std::string quantity, text;
    fields >> step >> comma[0] >> epoch >> comma[1] >> layer >> comma[2];
    std::getline(fields, quantity, ',');
    std::getline(fields, text);
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);  // "nan" of a run that has diverged is a value too
    const bool commas = comma[0] == ',' && comma[1] == ',' && comma[2] == ',';
    if (!commas || !fields.eof() || text.empty() || *end != '\0')
      throw InputError(fmt::format("{}, line {}: found \"{:.80}\", expected {}", file.string(), number, line, header));
    if (quantity != "loss") continue;
    layers[layer].layer = layer;
    layers[layer].epochs.push_back(epoch);
    layers[layer].losses.push_back(value);
  }
  std::vector<LossSeries> list;
  for (auto& [layer, series] : layers) list.push_back(std::move(series));
  return list;
}

std::string loss_figure(const std::vector<CellRun>& runs) {
  std::vector<PlotSeries> together, layerwise;
  for (const CellRun& run : runs) {
    if (!run.done() || run.seed() != runs.front().seed()) continue;
    const bool e2e = experiment_word(run.experiment(), "schedule") == "e2e";
    std::vector<PlotSeries>& side = e2e ? together : layerwise;
    side.push_back(loss_curve(run));
    side.back().dashed = side.size() % 2 == 0;
  }
  if (together.empty() && layerwise.empty()) return {};
  return "<div class=\"plots\">\n" + loss_plot("End to end", std::move(together)) +
         loss_plot("Layer-wise", std::move(layerwise)) +
         "</div>\n<p class=\"faint\">gll: the layers' losses one after the other; rll: the mean over the layers drawn "
         "in "
         "each "
         "epoch. Values above twice the largest one behind the first tenth are cut off.</p>\n";
}

std::string layers_figure(const std::vector<CellRun>& runs) {
  std::map<std::string, LinePlot> plots;  // by rule, as the paper's two panels
  for (const CellRun& run : runs) {
    if (!run.done() || run.seed() != runs.front().seed()) continue;
    const std::string rule = experiment_word(run.experiment(), "rule");
    LinePlot& plot = plots[rule];
    plot.title = rule == "bp" ? "Backpropagation" : rule == "rf" ? "Random feedback" : rule;
    plot.x_label = "layer";
    plot.y_label = "test accuracy, %";
    plot.y_from_zero = false;
    PlotSeries series{experiment_word(run.experiment(), "schedule"), {}, run.accuracies()};
    for (std::size_t i = 0; i < series.y.size(); ++i) series.x.push_back(static_cast<double>(i));
    series.dashed = plot.series.size() % 2 == 1;
    plot.series.push_back(std::move(series));
  }
  std::string html;
  for (const auto& [rule, plot] : plots) html += "<figure>" + line_plot_svg(plot) + "</figure>\n";
  return html.empty() ? html : "<div class=\"plots\">\n" + html + "</div>\n";
}

std::string figure_html(const PresetTable& table, const std::vector<CellRun>& runs, const CommonFlags& flags,
                        bool last) {
  if (table.figure == "losses") return loss_figure(runs);
  if (table.figure == "layers") return layers_figure(runs);
  if (!last) return {};
  if (table.figure == "views") return views_figure(table, runs, flags);
  if (table.figure == "distances") return distances_figure(table, runs.front(), flags);
  if (table.figure == "tsne") return tsne_figure(table, runs.front(), flags);
  throw InputError(fmt::format("{}: there is no figure of kind \"{}\"", table.name, table.figure));
}

}  // namespace saccade
