#include "tools/compare/comparison_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/report/html.h"
#include "tools/report/plot.h"

namespace saccade {
namespace {

constexpr int colours = 7;  // of lines (plot_css)

struct Style {
  int colour;
  bool dashed;
};

Style style_of(std::size_t group) { return {static_cast<int>(group % colours), group % (2 * colours) >= colours}; }

std::string grid(const std::string& figures) { return "<div class=\"plots\">\n" + figures + "</div>\n"; }
std::string figure(const LinePlot& plot) { return "<figure>" + line_plot_svg(plot) + "</figure>\n"; }

/// Steps of a training as the views that they showed.
double views_per_unit(const RecordedRun& run) {
  const RunSummary& s = run.summary;
  return run.batches() && s.updates > 0 ? static_cast<double>(s.events) / static_cast<double>(s.updates) : 1;
}

/// A run that diverged must not flatten the others: what lies far above everyone's median is cut off.
void cut_off(std::vector<PlotSeries>& series) {
  double highest = 0;
  for (const PlotSeries& one : series) {
    std::vector<double> values;
    std::copy_if(one.y.begin(), one.y.end(), std::back_inserter(values), [](double y) { return std::isfinite(y); });
    if (values.empty()) continue;
    std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
    highest = std::max(highest, values[values.size() / 2]);
  }
  if (!(highest > 0)) return;
  for (PlotSeries& one : series)
    for (double& y : one.y) y = std::min(y, 4 * highest);
}

/// Curves of one quantity of one layer; empty when no run has it.
std::string curve_plot(const RunComparison& comparison, const std::string& quantity, int layer, const char* title,
                       const char* y_label) {
  LinePlot plot{.title = fmt::format("{}, {}", title, layer < 0 ? "end to end" : fmt::format("layer {}", layer)),
                .x_label = "views",
                .y_label = y_label,
                .series = {},
                .references = {}};
  std::set<std::size_t> named;
  for (const ComparedRun& run : comparison.runs)
    for (const MetricSeries& series : run.run.metrics) {
      if (series.quantity != quantity || series.layer != layer) continue;
      const auto [colour, dashed] = style_of(run.group);
      const bool first = named.insert(run.group).second;
      PlotSeries line{first ? comparison.groups[run.group].letter : std::string(), series.events, series.values, colour,
                      dashed};
      for (double& x : line.x) x *= views_per_unit(run.run);
      plot.series.push_back(std::move(line));
    }
  if (plot.series.empty()) return {};
  cut_off(plot.series);
  return figure(plot);
}

/// The value that all groups share, NaN where there is none.
template <class Value>
double common(const RunComparison& comparison, Value value) {
  double shared = std::nan("");
  for (std::size_t g = 0; g < comparison.groups.size(); ++g) {
    const double mean = value(g);
    if (std::isnan(mean)) continue;
    if (!std::isnan(shared) && mean != shared) return std::nan("");
    shared = mean;
  }
  return shared;
}

}  // namespace

std::string group_mark(const RunComparison& comparison, std::size_t group) {
  const auto [colour, dashed] = style_of(group);
  return fmt::format(
      "<span class=\"key\"><svg class=\"plot\" viewBox=\"0 0 20 12\" aria-hidden=\"true\"><path class=\"line c{}{}\" "
      "d=\"M1 6h18\"/></svg>{}</span>",
      colour, dashed ? " dash" : "", escape_html(comparison.groups[group].letter));
}

std::string curve_plots(const RunComparison& comparison) {
  struct Quantity {
    const char *name, *title, *y_label;
  };
  std::set<int> layers;
  for (const ComparedRun& run : comparison.runs)
    for (const MetricSeries& series : run.run.metrics) layers.insert(series.layer);
  std::string html;
  for (const auto& [name, title, y_label] : {Quantity{"loss", "Loss", "mean per view or pair"},
                                             Quantity{"positive_distance", "Distance of positives", "L1 distance"},
                                             Quantity{"negative_distance", "Distance of negatives", "L1 distance"},
                                             Quantity{"positive_score", "Score of positives", "score"},
                                             Quantity{"negative_score", "Score of negatives", "score"},
                                             Quantity{"positive_active", "Active positives", "of the pairs"},
                                             Quantity{"negative_active", "Active negatives", "of the pairs"},
                                             Quantity{"autoencoder_loss", "Autoencoder's loss", "mean per view"}}) {
    std::string plots;
    for (const int layer : layers) plots += curve_plot(comparison, name, layer, title, y_label);
    if (layers.size() > 1 && !plots.empty()) plots = grid(plots);  // a row of its own
    html += plots;
  }
  return layers.size() > 1 ? html : grid(html);
}

std::string accuracy_plots(const RunComparison& comparison, const std::string& test) {
  int depth = 0;
  for (const ComparedRun& run : comparison.runs) depth = std::max(depth, run.run.experiment.network.depth());
  const auto name = [&](const char* network, std::optional<int> layer) {
    return MeasureName{fmt::format("accuracy_{}_{}", test, network), layer};
  };
  LinePlot accuracy{.title = fmt::format("Linear probe, {} test images", test),
                    .x_label = "layer",
                    .y_label = "accuracy, %",
                    .series = {},
                    .references = {},
                    .y_from_zero = false,
                    .whole_x = true};
  LinePlot gain = accuracy;
  gain.title = "Above the untrained network";
  gain.y_label = "points";
  gain.references = {{0, ""}};
  for (std::size_t g = 0; g < comparison.groups.size(); ++g) {
    const auto [colour, dashed] = style_of(g);
    PlotSeries learned{comparison.groups[g].letter, {}, {}, colour, dashed}, above = learned;
    for (int layer = 0; layer < depth; ++layer) {
      learned.x.push_back(layer);
      learned.y.push_back(100 * comparison.of_group(g, name("learned", layer)).mean);
      above.x.push_back(layer);
      above.y.push_back(100 * comparison.gain(g, name("learned", layer), name("untrained", layer)).mean);
    }
    accuracy.series.push_back(std::move(learned));
    gain.series.push_back(std::move(above));
  }
  const auto any = [](const LinePlot& plot) {
    return std::any_of(plot.series.begin(), plot.series.end(), [](const PlotSeries& series) {
      return std::any_of(series.y.begin(), series.y.end(), [](double y) { return std::isfinite(y); });
    });
  };
  if (!any(accuracy)) return {};
  // What all share is drawn once.
  PlotSeries untrained{"untrained", {}, {}, colours - 1, true};
  for (int layer = 0; layer < depth; ++layer) {
    untrained.x.push_back(layer);
    untrained.y.push_back(
        100 * common(comparison, [&](std::size_t g) { return comparison.of_group(g, name("untrained", layer)).mean; }));
  }
  if (std::any_of(untrained.y.begin(), untrained.y.end(), [](double y) { return std::isfinite(y); }))
    accuracy.series.push_back(std::move(untrained));
  const double pixels =
      common(comparison, [&](std::size_t g) { return comparison.of_group(g, name("pixels", std::nullopt)).mean; });
  if (std::isfinite(pixels)) accuracy.references.push_back({100 * pixels, "pixels"});
  return figure(accuracy) + (any(gain) ? figure(gain) : std::string());
}

}  // namespace saccade
