#include "tools/report/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/matrix_plot.h"
#include "tools/report/plot.h"

namespace saccade {
namespace {

std::string layer_name(int layer) { return layer < 0 ? "end to end" : fmt::format("layer {}", layer); }

std::string figure(const std::string& content, const std::string& caption = {}) {
  return "<figure>" + content + (caption.empty() ? "" : "<figcaption>" + escape_html(caption) + "</figcaption>") +
         "</figure>\n";
}

std::string section(const char* title) { return fmt::format("<h2>{}</h2>\n", title); }

std::set<int> layers_of(const RunReport& report) {
  std::set<int> layers;
  for (const MetricSeries& series : report.metrics) layers.insert(series.layer);
  return layers;
}

/// One quantity of one layer as a plotted line.
void add_series(LinePlot& plot, const RunReport& report, int layer, const char* quantity, const std::string& name,
                int colour, bool dashed) {
  for (const MetricSeries& series : report.metrics)
    if (series.layer == layer && series.quantity == quantity)
      plot.series.push_back({name, series.events, series.values, colour, dashed});
}

std::string distances(const RunReport& report) {
  std::string html;
  for (int layer : layers_of(report)) {
    LinePlot plot{.title = "Distances, " + layer_name(layer),
                  .x_label = report.axis,
                  .y_label = "L1 distance",
                  .series = {},
                  .references = {}};
    add_series(plot, report, layer, "positive_distance", "positive pairs", 0, false);
    add_series(plot, report, layer, "negative_distance", "negative pairs", 1, true);
    if (plot.series.empty()) continue;
    for (const auto& m : report.margins)
      if (m.layer == layer) {
        plot.references.push_back({m.positive, fmt::format("m1 = {:g}", m.positive)});
        plot.references.push_back({m.negative, fmt::format("m2 = {:g}", m.negative)});
      }
    html += figure(line_plot_svg(plot));
  }
  if (html.empty()) return {};
  return section("Distances against the margins") +
         "<p class=\"faint\">Positive pairs, two views of one fixation, are pulled together while they are farther "
         "apart than m1; negative "
         "pairs are pushed apart while they are closer than m2.</p>\n<div class=\"plots\">\n" +
         html + "</div>\n";
}

std::string losses(const RunReport& report) {
  LinePlot plot{.title = "Loss", .x_label = report.axis, .y_label = report.loss_of, .series = {}, .references = {}};
  LinePlot updates{
      .title = "Updates", .x_label = report.axis, .y_label = "updates so far", .series = {}, .references = {}};
  for (int layer : layers_of(report)) {
    const int colour = std::max(layer, 0);
    add_series(plot, report, layer, "loss", layer_name(layer), colour, colour % 2 == 1);
    add_series(updates, report, layer, "updates", layer_name(layer), colour, colour % 2 == 1);
  }
  std::string html;
  bool any_active = false;
  if (!plot.series.empty()) html += figure(line_plot_svg(plot));
  if (!updates.series.empty()) html += figure(line_plot_svg(updates));
  for (int layer : layers_of(report)) {
    LinePlot active{.title = "Active fraction, " + layer_name(layer),
                    .x_label = report.axis,
                    .y_label = "of the pairs",
                    .series = {},
                    .references = {{1, ""}}};
    add_series(active, report, layer, "positive_active", "positive pairs", 0, false);
    add_series(active, report, layer, "negative_active", "negative pairs", 1, true);
    if (active.series.empty()) continue;
    any_active = true;
    html += figure(line_plot_svg(active));
  }
  if (html.empty()) return {};
  if (!any_active) return section("Loss") + "<div class=\"plots\">\n" + html + "</div>\n";
  return section("Loss and active fraction") +
         "<p class=\"faint\">A pair is active when it is on the wrong side of its margin; only active pairs change a "
         "weight.</p>\n<div class=\"plots\">\n" +
         html + "</div>\n";
}

/// What LearningMeasures saw (tools/measures): a plot a quantity, a line a layer.
std::string measures(const RunReport& report) {
  struct Quantity {
    const char *name, *title, *y_label;
    bool relative = false;  ///< to its first value: layers differ by orders of magnitude
    bool from_zero = true;
  };
  std::string html;
  for (const auto& [name, title, y_label, relative, from_zero] :
       {Quantity{"conv_moved", "Way from the start, convolutions", "|w - w0| / |w0|"},
        Quantity{"head_moved", "Way from the start, heads", "|w - w0| / |w0|"},
        Quantity{"conv_descent", "Downhill, convolutions", "cosine"},
        Quantity{"head_descent", "Downhill, heads", "cosine"},
        Quantity{"conv_event_descent", "One event and the batch, convolutions", "cosine"},
        Quantity{"head_event_descent", "One event and the batch, heads", "cosine"},
        Quantity{"conv_rule_descent", "The rule and the gradient", "cosine"},
        Quantity{"conv_feedback_angle", "Feedback and forward weights, convolutions", "degrees", false, false},
        Quantity{"head_feedback_angle", "Feedback and forward weights, heads", "degrees", false, false},
        Quantity{"knn_accuracy", "Nearest neighbours", "share of test images", false, false},
        Quantity{"similarity_within", "Similarity within classes", "cosine"},
        Quantity{"similarity_between", "Similarity between classes", "cosine"},
        Quantity{"factor_rotation", "Rotation, read out", "R^2", false, false},
        Quantity{"factor_distance", "Distance, read out", "R^2", false, false},
        Quantity{"factor_place", "Place in the picture, read out", "R^2", false, false},
        Quantity{"factor_light", "Direction of the light, read out", "R^2", false, false},
        Quantity{"factor_strength", "Strength of the light, read out", "R^2", false, false},
        Quantity{"factor_ambient", "Ambient light, read out", "R^2", false, false},
        Quantity{"feature_variance", "Variance of the features", "times the first value", true},
        Quantity{"participation_ratio", "Participation ratio of the features", "directions"},
        Quantity{"embedding_variance", "Variance of the embeddings", "times the first value", true},
        Quantity{"embedding_participation_ratio", "Participation ratio of the embeddings", "directions"},
        Quantity{"memory_floats", "Held in short-term memory", "floats"},
        Quantity{"saturation", "Saturated outputs", "share"}}) {
    LinePlot plot{.title = title, .x_label = report.axis, .y_label = y_label, .series = {}, .references = {}};
    plot.y_from_zero = from_zero;
    for (const int layer : layers_of(report))
      add_series(plot, report, layer, name, layer_name(layer), layer, layer % 2 == 1);
    for (PlotSeries& series : plot.series)
      if (const double first = series.y.front(); relative)
        for (double& y : series.y) y /= first;
    if (!plot.series.empty()) html += figure(line_plot_svg(plot));
  }
  if (html.empty()) return {};
  return section("What learning does") +
         "<p class=\"faint\">Measured on pairs of views that the stream does not show. Downhill: the cosine between "
         "the way "
         "since the last measurement and the falling gradient of a batch there. One event and the batch: the mean "
         "cosine "
         "between the update of a single event and the gradient of a batch that it is no part of; 0 where events are "
         "noise alone. Feedback and forward weights: 90 degrees where they have nothing to do with each other. "
         "Nearest neighbours: labelled images, classified by those nearest to them, without a classifier that "
         "learns. Participation ratio: how many directions share the variance of the features.</p>\n<div "
         "class=\"plots\">\n" +
         html + "</div>\n";
}

/// A pair of matrices a layer, in one scale: the largest size of a similarity, of different images where they are
/// images (the diagonal is 1 then).
std::string similarities(const RunReport& report) {
  if (report.similarities.empty()) return {};
  const std::size_t size = report.similarity_names.size();
  const char* unit = report.axis == "events" ? "events" : "steps";
  std::string html;
  for (const RunReport::LayerSimilarity& layer : report.similarities) {
    double limit = 0;
    for (const SimilarityMatrix* m : {&layer.first, &layer.latest})
      for (std::size_t i = 0; i < m->values.size(); ++i)
        if (const double x = std::fabs(m->values[i]); i % (size + 1) != 0 || x < 0.999999)
          limit = std::max(limit, std::isnan(x) ? 0 : x);
    for (const SimilarityMatrix* m : {&layer.first, &layer.latest})
      if (m == &layer.first || m->event != layer.first.event)
        html += figure(matrix_svg({fmt::format("{}, after {} {}", layer_name(layer.first.layer), m->event, unit),
                                   report.similarity_names, m->values, limit}));
  }
  return section("Similarity") +
         "<p class=\"faint\">Mean cosine between standardised features, at the first and at the latest measurement; "
         "on the diagonal of classes between different images of one class. All of "
         "them are in similarity.csv.</p>\n<div class=\"plots\">\n" +
         html + "</div>\n";
}

std::string percent(double fraction) { return std::isfinite(fraction) ? fmt::format("{:.2f} %", 100 * fraction) : "–"; }

std::string accuracy_rows(const AccuracyTable& table) {
  std::string rows;
  for (const LayerAccuracy& layer : table.layers) {
    const double gain = 100 * (layer.learned - layer.untrained);
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
        escape_html(layer.name), percent(layer.learned), percent(layer.untrained),
        std::isfinite(gain) ? fmt::format("{:+.2f}", gain) : "–");
  }
  if (std::isfinite(table.pixels))
    rows += fmt::format("<tr><td>raw pixels</td><td class=\"number\" colspan=\"2\">{}</td><td></td></tr>\n",
                        percent(table.pixels));
  return rows;
}

std::string accuracies(const RunReport& report) {
  if (report.accuracies.empty()) return {};
  std::string html = section("Accuracy of a linear probe") + "<div class=\"plots\">\n";
  for (const AccuracyTable& table : report.accuracies) {
    BarChart chart{.title = fmt::format("Tested on {} images", table.test_images),
                   .y_label = "accuracy, %",
                   .groups = {},
                   .series = {{"learned", {}}, {"untrained", {}}, {"raw pixels", {}}}};
    for (const LayerAccuracy& layer : table.layers) {
      chart.groups.push_back(layer.name);
      chart.series[0].values.push_back(100 * layer.learned);
      chart.series[1].values.push_back(100 * layer.untrained);
      chart.series[2].values.push_back(100 * table.pixels);
    }
    if (!std::isfinite(table.pixels)) chart.series.pop_back();
    html += figure(bar_chart_svg(chart) +
                   "<div class=\"scroll\"><table><tr><th>features</th><th class=\"number\">learned</th><th "
                   "class=\"number\">untrained</th>"
                   "<th class=\"number\">points gained</th></tr>\n" +
                   accuracy_rows(table) + "</table></div>");
  }
  html += "</div>\n";
  for (const std::string& protocol : report.protocols) html += "<p class=\"faint\">" + escape_html(protocol) + "</p>\n";
  return html;
}

std::string facts(const std::vector<RunReport::Row>& rows) {
  if (rows.empty()) return {};
  std::string html = "<div class=\"scroll\"><table class=\"facts\">\n";
  for (const RunReport::Row& row : rows)
    html += fmt::format("<tr><th>{}</th><td><code>{}</code></td><td class=\"faint\">{}</td></tr>\n",
                        escape_html(row.name), escape_html(row.value), escape_html(row.note));
  return html + "</table></div>\n";
}

std::string view_sheet(const ViewSheet& sheet) {
  if (sheet.picture.bytes.empty()) return {};
  int views = 0;
  for (const auto& column : sheet.columns) views += column.views;
  const int width = sheet.picture.width * sheet.scale;
  std::string columns;
  for (const auto& column : sheet.columns)
    columns +=
        fmt::format("<th style=\"width:{:.3f}%;padding:0 0 .2rem;border:0;font-weight:400;font-size:.8rem\">{}</th>",
                    100.0 * column.views / std::max(views, 1), escape_html(column.name));
  return section("Views as the learner saw them") +
         figure(fmt::format(
                    "<div style=\"max-width:{}px\"><table style=\"width:100%;table-layout:fixed\"><tr>{}</tr></table>"
                    "<img alt=\"views\" style=\"display:block;width:100%\" src=\"{}\"></div>",
                    width, columns, png_data_uri(sheet.picture)),
                sheet.caption);
}

}  // namespace

std::string report_html(const RunReport& report) {
  std::string body = "<h1>" + escape_html(report.title) + "</h1>\n";
  if (!report.subtitle.empty()) body += "<p class=\"faint\">" + escape_html(report.subtitle) + "</p>\n";
  body += facts(report.summary);
  body += accuracies(report) + distances(report) + losses(report) + measures(report) + similarities(report) +
          view_sheet(report.sheet);
  if (!report.plausibility.empty())
    body += section("Plausibility") +
            "<p class=\"faint\">Conditions of the method's article, as saccade audit tells of them.</p>\n" +
            facts(report.plausibility);
  if (!report.experiment.empty())
    body += section("Experiment") +
            "<p class=\"faint\">Saved as experiment.toml, this file runs the experiment again.</p>\n<pre>" +
            escape_html(report.experiment) + "</pre>\n";
  return html_page(report.title, body);
}

void write_report(const RunReport& report, const std::filesystem::path& file) {
  replace_file(file, report_html(report));
}

}  // namespace saccade
