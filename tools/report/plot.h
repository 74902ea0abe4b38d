#pragma once
#include <string>
#include <vector>

/// Small plots as SVG elements for our pages. Colours are CSS variables from plot_css(), so that a page can be light,
/// dark or printed; series differ in dash as well as in colour. Values that are not finite are left out.
namespace saccade {

struct PlotSeries {
  std::string name;  ///< empty: not in the legend
  std::vector<double> x, y;
  int colour = -1;  ///< index into the palette; -1 = its position among the series
  bool dashed = false;
};

struct ReferenceLine {
  double y = 0;
  std::string label;
};

/// A line from bottom to top, e.g. a margin on an axis of distances.
struct VerticalLine {
  double x = 0;
  std::string label;
  bool dashed = false;
};

struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  std::vector<ReferenceLine> references;
  std::vector<VerticalLine> verticals = {};
  bool y_from_zero = true;              ///< the axis includes 0
  bool x_from_zero = false;             ///< so does that below
  std::vector<double> y_includes = {};  ///< the axis includes these: plots that are compared share them
  bool whole_x = false;                 ///< x counts things: ticks at whole numbers alone
  int width = 440, height = 270;
};

struct BarSeries {
  std::string name;
  std::vector<double> values;  ///< one per group; NaN leaves a gap
};

struct BarChart {
  std::string title, y_label;
  std::vector<std::string> groups;
  std::vector<BarSeries> series;
  std::string number_format = "{:.1f}";  ///< fmt format of the number above a bar
  int width = 440, height = 270;
};

/// A row of a dot plot: a published number beside ours; NaN = not there.
struct DotRow {
  std::string name;
  double published = 0, ours = 0, sd = 0;  ///< sd 0 or NaN: no bar
};

struct DotPlot {
  std::string title, x_label;
  std::vector<DotRow> rows;
  int width = 560;
};

/// Points of one class.
struct PointGroup {
  std::string name;
  std::vector<double> x, y;
};

/// Points without axes: only their distances mean something.
struct ScatterPlot {
  std::string title;
  std::vector<PointGroup> groups;
  int width = 330, height = 300;
};

/// A cell of a heat map; NaN = nothing was measured.
struct HeatCell {
  double value = 0;
  std::string text, note;  ///< in the cell, the note smaller below
};

/// A value for every pair of two settings, dark = low, light = high.
struct HeatMap {
  std::string title, x_label, y_label, value_label;
  std::vector<std::string> x_names, y_names;
  std::vector<std::vector<HeatCell>> cells;  ///< [y][x], the first row at the bottom
  double low = 0, high = 1;                  ///< of the colours; maps that are compared share them
  int width = 440;
};

/// Repetitions of a setting: a dot for each, their mean and standard deviation.
struct SpreadPlot {
  std::string title, x_label, y_label;
  std::vector<std::string> x_names;         ///< settings, equally far apart
  std::vector<std::vector<double>> values;  ///< of each setting; not finite: left out
  bool ordered = true;                      ///< a line joins the means
  bool zero = true;                         ///< with a reference line at 0
  int width = 440, height = 270;
};

std::string heat_map_svg(const HeatMap& map);
std::string spread_plot_svg(const SpreadPlot& plot);
/// The same with settings from top to bottom, whose names may be long.
std::string spread_rows_svg(const SpreadPlot& plot);

std::string line_plot_svg(const LinePlot& plot);
std::string bar_chart_svg(const BarChart& chart);
std::string dot_plot_svg(const DotPlot& plot);
std::string scatter_svg(const ScatterPlot& plot);
/// The groups' names with their marks, for several scatter plots together.
std::string scatter_legend(const std::vector<std::string>& names);

/// Shares of the values in equally wide bins over [low, high] as the outline of a histogram.
PlotSeries histogram_series(std::string name, const std::vector<double>& values, double low, double high, int bins);

/// The rules and colours that the plots use; once per page. `dark`: with those of a dark page.
std::string plot_css(bool dark = true);

/// One of the plots as a file of its own: with the rules and colours of a white page.
std::string svg_file(const std::string& svg);

/// Round numbers (1, 2 or 5 times a power of ten apart) that cover [low, high], about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

/// A number for an axis: as short as it can be while neighbours `step` apart differ, with k and M for large ones.
std::string tick_text(double value, double step);

}  // namespace saccade
