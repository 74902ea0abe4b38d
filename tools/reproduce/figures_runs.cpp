#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/error.h"
#include "tools/report/html.h"
#include "tools/report/metrics_file.h"
#include "tools/report/plot.h"
#include "tools/reproduce/figures.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

/// gll: the layers' curves one after the other. rll: the mean over the layers, against all epochs. e2e: as it is.
PlotSeries loss_curve(const CellRun& run) {
  PlotSeries curve{run.cell().name, {}, {}};
  std::vector<MetricSeries> layers = read_metrics(RunFolder{run.folder()}.metrics());
  std::erase_if(layers, [](const MetricSeries& series) { return series.quantity != "loss"; });
  if (experiment_word(run.experiment(), "schedule") != "rll") {
    for (const MetricSeries& layer : layers) {
      const double before = curve.x.empty() ? 0 : curve.x.back();
      for (std::size_t i = 0; i < layer.times.size(); ++i) {
        curve.x.push_back(before + 1 + layer.times[i] - layer.times.front());
        curve.y.push_back(layer.values[i]);
      }
    }
    return curve;
  }
  std::map<double, std::pair<double, int>> by_epoch;
  for (const MetricSeries& layer : layers)
    for (std::size_t i = 0; i < layer.times.size(); ++i) {
      auto& [sum, count] = by_epoch[layer.times[i]];
      sum += layer.values[i];
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
    plot.whole_x = true;
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
