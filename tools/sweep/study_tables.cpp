#include "tools/sweep/study_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "tools/report/html.h"
#include "tools/report/html_table.h"
#include "tools/report/statistic.h"
#include "tools/sweep/study_plots.h"

namespace saccade {
namespace {

using Value = std::function<double(const StudyResult&)>;

/// A column of numbers: `scale` times the mean, as fmt's `format` has it.
struct Column {
  std::string name;
  const char* format;
  double scale;
  Value value;
};

/// Over the finished runs of a point.
Statistic over_seeds(const StudyResults& results, std::size_t point, const Value& value) {
  std::vector<double> values;
  const std::size_t seeds = results.study.seeds.size();
  for (std::size_t i = point * seeds; i < (point + 1) * seeds; ++i)
    if (results.runs[i].finished())
      if (const double one = value(results.runs[i]); std::isfinite(one)) values.push_back(one);
  return statistic(values);
}

bool measured(const StudyResults& results, const Value& value) {
  return std::any_of(results.runs.begin(), results.runs.end(),
                     [&](const StudyResult& one) { return one.finished() && std::isfinite(value(one)); });
}

std::string table_html(const StudyResults& results, const std::vector<Column>& columns,
                       const std::function<std::string(std::size_t)>& runs = {}) {
  std::vector<std::string> head{"#", "point"};
  if (runs) head.push_back("runs");
  for (const Column& column : columns) head.push_back(column.name);
  HtmlTable table(head);
  for (std::size_t p = 0; p < results.study.points.size(); ++p) {
    std::vector<std::string> row{fmt::format("{}", p + 1), escape_html(point_label(results, p))};
    if (runs) row.push_back(runs(p));
    for (const Column& column : columns)
      row.push_back(mean_text(over_seeds(results, p, column.value), column.scale, column.format));
    table.row(row);
  }
  return table.html();
}

std::string note(const std::string& text) { return "<p class=\"faint\">" + text + "</p>\n"; }

double top_accuracy(const std::vector<ProbeResult>& results) { return results.empty() ? NAN : results.back().accuracy; }

double layer_gain(const std::vector<ProbeResult>& learned, const std::vector<ProbeResult>& untrained, int layer) {
  for (const ProbeResult& a : learned)
    for (const ProbeResult& b : untrained)
      if (a.layer == layer && b.layer == layer) return a.accuracy - b.accuracy;
  return NAN;
}

/// "3", or "1, 2 of 3 diverged".
std::string runs_text(const StudyResults& results, std::size_t point) {
  const std::size_t seeds = results.study.seeds.size();
  std::map<RunState, std::size_t> counts;
  for (std::size_t i = point * seeds; i < (point + 1) * seeds; ++i) ++counts[results.runs[i].state];
  std::string text = fmt::format("{}", counts[RunState::finished]);
  for (const RunState state : {RunState::diverged, RunState::collapsed, RunState::failed})
    if (counts[state] > 0) text += fmt::format(", {} of {} {}", counts[state], seeds, to_string(state));
  return text;
}

/// Raw pixels, a mean over the runs.
std::string pixels_text(const StudyResults& results) {
  std::vector<double> plain, deformed;
  for (const StudyResult& one : results.runs) {
    if (!one.summary.pixels_probe.plain.empty()) plain.push_back(one.summary.pixels_probe.plain[0].accuracy);
    if (!one.summary.pixels_probe.deformed.empty()) deformed.push_back(one.summary.pixels_probe.deformed[0].accuracy);
  }
  if (plain.empty()) return {};
  std::string text = fmt::format("Raw pixels: {:.2f} %", 100 * statistic(plain).mean);
  if (!deformed.empty()) text += fmt::format(", deformed {:.2f} %", 100 * statistic(deformed).mean);
  return text + " (mean over the runs). ";
}

}  // namespace

std::string points_table(const StudyResults& results) {
  std::vector<Column> columns{
      {"plain, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.probe.plain); }},
      {"untrained, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.random_probe.plain); }},
      {"deformed, %", "{:.2f}", 100, [](const StudyResult& r) { return top_accuracy(r.summary.probe.deformed); }},
      {"untrained, %", "{:.2f}", 100,
       [](const StudyResult& r) { return top_accuracy(r.summary.random_probe.deformed); }},
      {"loss", "{:.4g}", 1, [](const StudyResult& r) { return r.summary.loss; }}};
  // Each gain behind the accuracies that it compares.
  for (const StudyMeasure& measure : study_measures(results))
    if (measure.name != "loss")
      columns.insert(columns.begin() + (measure.name == "gain-plain" ? 2 : static_cast<int>(columns.size()) - 1),
                     {"gain", "{:+.2f}", 1, measure.of});
  std::erase_if(columns, [&](const Column& column) { return !measured(results, column.value); });
  return "<h2>All points</h2>\n" +
         table_html(results, columns, [&](std::size_t point) { return runs_text(results, point); }) +
         note("Accuracies and gains are those of the top layer; runs: seeds that finished. " + pixels_text(results) +
              "results.csv has every run and layer.");
}

std::string layers_table(const StudyResults& results) {
  std::set<int> layers;
  for (const StudyResult& one : results.runs)
    for (const ProbeResult& result : one.summary.probe.plain) layers.insert(result.layer);
  if (layers.size() < 2) return {};
  std::vector<Column> columns;
  for (const bool deformed : {false, true})
    for (const int layer : layers) {
      const auto gain = [deformed, layer](const StudyResult& r) {
        return deformed ? layer_gain(r.summary.probe.deformed, r.summary.random_probe.deformed, layer)
                        : layer_gain(r.summary.probe.plain, r.summary.random_probe.plain, layer);
      };
      columns.push_back({fmt::format("{}, layer {}", deformed ? "deformed" : "plain", layer), "{:+.2f}", 100, gain});
    }
  return "<h2>Gain of every layer, points</h2>\n" + table_html(results, columns);
}

std::string measures_table(const StudyResults& results) {
  std::set<std::string> quantities;
  int top = -1;
  for (const StudyResult& one : results.runs)
    if (one.finished())
      for (const MetricSeries& series : one.metrics)
        if (const std::string& name = series.quantity; name == "knn_accuracy" || name == "participation_ratio" ||
                                                       name.starts_with("similarity_") || name.starts_with("factor_")) {
          quantities.insert(name);
          top = std::max(top, series.layer);
        }
  if (quantities.empty()) return {};
  std::vector<std::string> head{"#", "point"};
  head.insert(head.end(), quantities.begin(), quantities.end());
  HtmlTable table(head);
  for (std::size_t p = 0; p < results.study.points.size(); ++p) {
    std::vector<std::string> row{fmt::format("{}", p + 1), escape_html(point_label(results, p))};
    for (const std::string& quantity : quantities) {
      const auto text = [&](double (StudyResult::*value)(const std::string&, int) const) {
        const auto of = [&](const StudyResult& one) { return (one.*value)(quantity, top); };
        return mean_text(over_seeds(results, p, of), 1, "{:.3f}");
      };
      row.push_back(text(&StudyResult::first) + " → " + text(&StudyResult::last));
    }
    table.row(row);
  }
  return fmt::format("<h2>Measures, layer {}</h2>\n", top) + table.html() +
         note(
             "Of the untrained network → at the end, in the top layer (measure.*). factor_*: R² with which a factor of "
             "the built-in world is read out linearly. measures.csv has every run, layer and quantity.");
}

std::string cost_table(const StudyResults& results) {
  const std::vector<Column> columns{
      {"learning, s", "{:.2f}", 1, [](const StudyResult& r) { return r.summary.seconds; }},
      {"views/s", "{:.0f}", 1, [](const StudyResult& r) { return r.summary.events_per_second; }},
      {"memory, floats", "{:.0f}", 1, [](const StudyResult& r) { return r.summary.memory_floats; }},
      {"peak memory, MB", "{:.0f}", 1e-6,
       [](const StudyResult& r) { return static_cast<double>(r.summary.peak_rss_bytes); }}};
  if (!measured(results, columns[0].value)) return {};
  return "<h2>Cost</h2>\n" + table_html(results, columns) +
         note(
             "Learning: the learning loop on one thread, deformation included, loading and probing excluded, beside "
             "the "
             "other runs and whatever else the machine did. Memory: floats that short-term memory holds at the end.");
}

}  // namespace saccade
