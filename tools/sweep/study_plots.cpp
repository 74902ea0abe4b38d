#include "tools/sweep/study_plots.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "tools/report/plot.h"

namespace saccade {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double top_gain(const std::vector<ProbeResult>& learned, const std::vector<ProbeResult>& untrained) {
  if (learned.empty()) return nan;
  const ProbeResult& top = learned.back();
  for (const ProbeResult& one : untrained)
    if (one.layer == top.layer) return 100 * (top.accuracy - one.accuracy);
  return nan;
}

std::string last_part(const std::string& key) { return key.substr(key.rfind('.') + 1); }

/// A value for an axis: a long list is told by its number.
std::string axis_name(const std::string& value, std::size_t index) {
  constexpr std::size_t longest = 14;
  return value.size() <= longest ? value : fmt::format("({})", index + 1);
}

std::size_t first_run(const StudyResults& results, std::size_t point) {
  return point * results.study.seeds.size();  // as study_runs() orders them
}

std::vector<std::size_t> points_of(const StudyResults& results, StudyPoint::Kind kind) {
  std::vector<std::size_t> points;
  for (std::size_t p = 0; p < results.study.points.size(); ++p)
    if (results.study.points[p].kind == kind) points.push_back(p);
  return points;
}

/// A varied key and the values that some points have of it, in the order in which they come.
struct Axis {
  std::size_t key = 0;  ///< index into study.varied
  std::vector<std::string> values;

  std::size_t index_of(const std::string& value) const {
    return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < values.size(); ++i) all.push_back(axis_name(values[i], i));
    return all;
  }
};

/// Those with several values.
std::vector<Axis> axes_of(const StudyResults& results, const std::vector<std::size_t>& points) {
  std::vector<Axis> axes;
  for (std::size_t k = 0; k < results.study.varied.size(); ++k) {
    Axis axis{k, {}};
    for (const std::size_t point : points)
      if (const std::string& value = results.runs[first_run(results, point)].values[k];
          axis.index_of(value) == axis.values.size())
        axis.values.push_back(value);
    if (axis.values.size() > 1) axes.push_back(std::move(axis));
  }
  return axes;
}

class GridPlots {
 public:
  GridPlots(const StudyResults& results, const StudyMeasure& measure)
      : results_(results),
        measure_(measure),
        points_(points_of(results, StudyPoint::Kind::grid)),
        axes_(axes_of(results, points_)) {}

  std::vector<StudyPlot> plots() const {
    if (axes_.empty()) return {};
    return axes_.size() == 1 ? std::vector{curve()} : maps();
  }

 private:
  std::string key(const Axis& axis) const { return results_.study.varied[axis.key]; }
  const std::string& value(std::size_t point, const Axis& axis) const {
    return results_.runs[first_run(results_, point)].values[axis.key];
  }

  StudyPlot curve() const {
    const Axis& axis = axes_[0];
    SpreadPlot plot{.title = measure_.title,
                    .x_label = key(axis),
                    .y_label = measure_.unit,
                    .x_names = axis.names(),
                    .values = {},
                    .ordered = true,
                    .zero = measure_.zero};
    plot.values.resize(axis.values.size());
    for (const std::size_t point : points_)
      plot.values[axis.index_of(value(point, axis))] = point_values(results_, point, measure_);
    return {fmt::format("{}-{}", measure_.name, last_part(key(axis))), spread_plot_svg(plot)};
  }

  /// The two axes with the most values span a map; the others choose it.
  std::vector<StudyPlot> maps() const {
    std::vector<std::size_t> order(axes_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return axes_[a].values.size() > axes_[b].values.size(); });
    const auto [across, up] = std::minmax(order[0], order[1]);
    const Axis &x = axes_[across], &y = axes_[up];
    std::vector<std::vector<std::size_t>> groups;
    std::vector<std::string> names;
    for (const std::size_t point : points_) {
      std::vector<std::string> parts;
      for (std::size_t i = 0; i < axes_.size(); ++i)
        if (i != across && i != up)
          parts.push_back(last_part(key(axes_[i])) + " " +
                          axis_name(value(point, axes_[i]), axes_[i].index_of(value(point, axes_[i]))));
      const std::string name = fmt::format("{}", fmt::join(parts, ", "));
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end())
        names.push_back(name), groups.push_back({point});
      else
        groups[static_cast<std::size_t>(found - names.begin())].push_back(point);
    }
    const auto [low, high] = range();
    std::vector<StudyPlot> plots;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      HeatMap map{.title = names[g].empty() ? measure_.title : names[g],
                  .x_label = key(x),
                  .y_label = key(y),
                  .value_label = measure_.unit,
                  .x_names = x.names(),
                  .y_names = y.names(),
                  .cells = {},
                  .low = low,
                  .high = high};
      map.cells.assign(y.values.size(), std::vector<HeatCell>(x.values.size(), {nan, "–", ""}));
      for (const std::size_t point : groups[g])
        map.cells[y.index_of(value(point, y))][x.index_of(value(point, x))] = cell(point);
      std::string name = fmt::format("{}-{}-{}", measure_.name, last_part(key(x)), last_part(key(y)));
      if (groups.size() > 1) name += fmt::format("-{}", g + 1);
      const bool wide = x.values.size() > 6;  // or the numbers would not fit
      if (wide) map.width *= 2;
      plots.push_back({name, heat_map_svg(map), wide});
    }
    return plots;
  }

  HeatCell cell(std::size_t point) const {
    const Statistic s = point_statistic(point);
    if (s.n == 0) return {nan, "–", ""};
    return {s.mean, number_text(s.mean, measure_.format), s.n > 1 ? "± " + sd_text(s.sd) : ""};
  }

  Statistic point_statistic(std::size_t point) const {
    std::vector<double> values = point_values(results_, point, measure_);
    std::erase_if(values, [](double value) { return !std::isfinite(value); });
    return statistic(values);
  }

  /// Of the means, and at least four standard deviations of a cell: noise shall not look like a pattern.
  std::pair<double, double> range() const {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    std::vector<double> spreads;
    for (const std::size_t point : points_) {
      const Statistic s = point_statistic(point);
      if (s.n == 0) continue;
      low = std::min(low, s.mean);
      high = std::max(high, s.mean);
      if (s.n > 1) spreads.push_back(s.sd);
    }
    if (low > high) return {0, 1};
    const double missing = (spreads.empty() ? 0 : 4 * statistic(spreads).mean) - (high - low);
    if (missing > 0) low -= missing / 2, high += missing / 2;
    return low < high ? std::pair{low, high} : std::pair{low - 0.5, high + 0.5};
  }

  const StudyResults& results_;
  const StudyMeasure& measure_;
  std::vector<std::size_t> points_;
  std::vector<Axis> axes_;
};

std::vector<StudyPlot> listed_plots(const StudyResults& results, const StudyMeasure& measure) {
  SpreadPlot plot{.title = measure.title,
                  .x_label = "",
                  .y_label = measure.unit,
                  .x_names = {},
                  .values = {},
                  .ordered = false,
                  .zero = measure.zero};
  for (const std::size_t point : points_of(results, StudyPoint::Kind::listed)) {
    plot.x_names.push_back(results.study.points[point].name);
    plot.values.push_back(point_values(results, point, measure));
  }
  if (plot.x_names.empty()) return {};
  return {{measure.name + "-points", spread_rows_svg(plot)}};
}

std::optional<double> number_in(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0' && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// The measure of every run over one key: points over numbers (their logarithms where they span decades), a column for
/// each word.
StudyPlot drawn_plot(const StudyResults& results, const StudyMeasure& measure, const Axis& axis,
                     const std::vector<std::size_t>& points) {
  const std::string& key = results.study.varied[axis.key];
  const std::string name = fmt::format("{}-over-{}", measure.name, last_part(key));
  std::vector<double> numbers;
  for (const std::string& value : axis.values)
    if (const auto number = number_in(value)) numbers.push_back(*number);
  if (numbers.size() < axis.values.size()) {
    SpreadPlot plot{.title = measure.title + ", over " + last_part(key),
                    .x_label = key,
                    .y_label = measure.unit,
                    .x_names = axis.names(),
                    .values = {},
                    .ordered = false,
                    .zero = measure.zero};
    plot.values.resize(axis.values.size());
    for (const std::size_t point : points) {
      std::vector<double>& column =
          plot.values[axis.index_of(results.runs[first_run(results, point)].values[axis.key])];
      const std::vector<double> more = point_values(results, point, measure);
      column.insert(column.end(), more.begin(), more.end());
    }
    return {name, spread_plot_svg(plot)};
  }
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  const bool decades = *low > 0 && *high / *low > 20;
  LinePlot plot{.title = measure.title + ", over " + last_part(key),
                .x_label = decades ? "log10 of " + key : key,
                .y_label = measure.unit,
                .series = {},
                .references = {},
                .y_from_zero = measure.zero};
  PlotSeries runs{"", {}, {}, 0};
  for (const std::size_t point : points) {
    const double x = *number_in(results.runs[first_run(results, point)].values[axis.key]);
    for (const double value : point_values(results, point, measure)) {
      runs.x.insert(runs.x.end(), {decades ? std::log10(x) : x, nan});  // gaps: every point stands alone
      runs.y.insert(runs.y.end(), {value, nan});
    }
  }
  plot.series.push_back(std::move(runs));
  if (measure.zero) plot.references.push_back({0, ""});
  return {name, line_plot_svg(plot)};
}

std::vector<StudyPlot> drawn_plots(const StudyResults& results, const StudyMeasure& measure) {
  const std::vector<std::size_t> points = points_of(results, StudyPoint::Kind::drawn);
  std::vector<StudyPlot> plots;
  if (!points.empty())
    for (const Axis& axis : axes_of(results, points)) plots.push_back(drawn_plot(results, measure, axis, points));
  return plots;
}

}  // namespace

std::vector<StudyMeasure> study_measures(const StudyResults& results) {
  std::vector<StudyMeasure> all{
      {"gain-plain", "Gain, plain test images", "points", "{:+.2f}", true,
       [](const StudyResult& one) { return top_gain(one.summary.probe.plain, one.summary.random_probe.plain); }},
      {"gain-deformed", "Gain, deformed test images", "points", "{:+.2f}", true,
       [](const StudyResult& one) { return top_gain(one.summary.probe.deformed, one.summary.random_probe.deformed); }}};
  std::erase_if(all, [&](const StudyMeasure& measure) {
    return std::none_of(results.runs.begin(), results.runs.end(),
                        [&](const StudyResult& one) { return one.finished() && std::isfinite(measure.of(one)); });
  });
  if (all.empty())
    all.push_back({"loss", "Loss at the end", "mean per update", "{:.4f}", false,
                   [](const StudyResult& one) { return one.summary.loss; }});
  return all;
}

std::vector<double> point_values(const StudyResults& results, std::size_t point, const StudyMeasure& measure) {
  std::vector<double> values;
  const std::size_t first = first_run(results, point);
  for (std::size_t i = first; i < first + results.study.seeds.size(); ++i)
    values.push_back(results.runs[i].finished() ? measure.of(results.runs[i]) : nan);
  return values;
}

std::string point_label(const StudyResults& results, std::size_t point) {
  const StudyPoint& one = results.study.points[point];
  if (one.kind == StudyPoint::Kind::listed) return one.name;
  std::vector<std::string> parts;
  for (const Assignment& a : one.assignments) {
    const auto key = std::find(results.study.varied.begin(), results.study.varied.end(), a.key);
    parts.push_back(
        last_part(a.key) + " " +
        results.runs[first_run(results, point)].values[static_cast<std::size_t>(key - results.study.varied.begin())]);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<StudyPlot> measure_plots(const StudyResults& results, const StudyMeasure& measure) {
  std::vector<StudyPlot> plots = GridPlots(results, measure).plots();
  for (const auto& more : {listed_plots(results, measure), drawn_plots(results, measure)})
    plots.insert(plots.end(), more.begin(), more.end());
  return plots;
}

std::vector<int> loss_layers(const StudyResults& results) {
  std::set<int> layers;
  for (const StudyResult& one : results.runs)
    for (const MetricSeries& series : one.metrics)
      if (series.quantity == "loss") layers.insert(series.layer);
  return {layers.begin(), layers.end()};
}

std::vector<StudyPlot> loss_plots(const StudyResults& results) {
  const std::vector<int> layers = loss_layers(results);
  const std::size_t points = std::min(results.study.points.size(), most_curves);
  std::vector<LinePlot> plots(points);
  double highest = 0;
  for (std::size_t p = 0; p < points; ++p) {
    plots[p] = {.title = point_label(results, p),
                .x_label = results.study.mode == Mode::event ? "views" : "steps",
                .y_label = "loss",
                .series = {},
                .references = {},
                .x_from_zero = true,
                .width = 280,
                .height = 180};
    for (std::size_t i = first_run(results, p); i < first_run(results, p + 1); ++i)
      for (const MetricSeries& series : results.runs[i].metrics) {
        if (series.quantity != "loss" || results.runs[i].state == RunState::diverged) continue;
        const auto colour = std::find(layers.begin(), layers.end(), series.layer) - layers.begin();
        plots[p].series.push_back({"", series.events, series.values, static_cast<int>(colour)});
        highest = std::max(highest, *std::max_element(series.values.begin(), series.values.end()));
      }
  }
  std::vector<StudyPlot> all;
  for (std::size_t p = 0; p < points; ++p) {
    if (plots[p].series.empty()) continue;
    plots[p].y_includes = {highest};
    all.push_back({fmt::format("loss-{:03}", p + 1), line_plot_svg(plots[p])});
  }
  return all;
}

}  // namespace saccade
