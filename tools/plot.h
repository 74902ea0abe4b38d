#pragma once
#include <string>
#include <vector>

/// Small plots as SVG elements for our pages. Colours are CSS variables from plot_css(), so that a page can be light,
/// dark or printed; series differ in dash as well as in colour. Values that are not finite are left out.
namespace saccade {

struct PlotSeries {
  std::string name;
  std::vector<double> x, y;
  int colour = -1;  ///< index into the palette; -1 = its position among the series
  bool dashed = false;
};

struct ReferenceLine {
  double y = 0;
  std::string label;
};

struct LinePlot {
  std::string title, x_label, y_label;
  std::vector<PlotSeries> series;
  std::vector<ReferenceLine> references;
  bool y_from_zero = true;  ///< the axis includes 0
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

std::string line_plot_svg(const LinePlot& plot);
std::string bar_chart_svg(const BarChart& chart);

/// The rules and colours that the plots use; once per page.
std::string plot_css();

/// Round numbers (1, 2 or 5 times a power of ten apart) that cover [low, high], about `count` of them.
std::vector<double> round_ticks(double low, double high, int count);

/// A number for an axis: as short as it can be while neighbours `step` apart differ, with k and M for large ones.
std::string tick_text(double value, double step);

}  // namespace saccade
