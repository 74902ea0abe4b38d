#include "tools/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/report/plot_frame.h"

namespace saccade {
namespace {

using plot::Frame;

/// The range of the finite values seen.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

int colour_of(const PlotSeries& series, std::size_t index) {
  return (series.colour >= 0 ? series.colour : static_cast<int>(index)) % plot::palette_size;
}

/// A path through the points; a value that is not finite interrupts it. A point alone becomes a small circle.
std::string path_of(const PlotSeries& series, const Frame& frame) {
  const std::size_t n = std::min(series.x.size(), series.y.size());
  const auto finite = [&](std::size_t i) { return i < n && std::isfinite(series.x[i]) && std::isfinite(series.y[i]); };
  std::string path;
  bool drawing = false;
  for (std::size_t i = 0; i < n; ++i) {
    if (finite(i))
      path += fmt::format("{}{:.1f} {:.1f}", drawing ? "L" : "M", frame.x(series.x[i]), frame.y(series.y[i]));
    if (finite(i) && !drawing && !finite(i + 1)) path += "m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0";
    drawing = finite(i);
  }
  return path;
}

void draw_references(Frame& frame, const std::vector<ReferenceLine>& references) {
  for (const ReferenceLine& line : references) {
    if (!std::isfinite(line.y)) continue;
    frame.add(fmt::format("<path class=\"reference\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, frame.y(line.y),
                          frame.right));
    frame.text(frame.right + 4, frame.y(line.y) + 4, "", line.label);
  }
}

void draw_verticals(Frame& frame, const std::vector<VerticalLine>& lines) {
  double previous = -1e9;
  int row = 0;
  for (const VerticalLine& line : lines) {
    if (!std::isfinite(line.x)) continue;
    frame.add(fmt::format("<path class=\"mark{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", line.dashed ? " dash" : "",
                          frame.x(line.x), frame.bottom, frame.top));
    // A label that would run into its neighbour's goes one line lower, one that would leave the plot to the left.
    const double at = frame.x(line.x), wide = plot::text_width(line.label);
    row = at - previous < wide + 8 ? row + 1 : 0;
    previous = at;
    const bool outside = at + 4 + wide > frame.right;
    frame.text(outside ? at - 4 : at + 4, frame.top + 9 + 13 * row, outside ? "end" : "", line.label);
  }
}

}  // namespace

std::string line_plot_svg(const LinePlot& plot) {
  std::vector<plot::LegendEntry> legend;
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    if (!plot.series[i].name.empty())
      legend.push_back({plot.series[i].name, colour_of(plot.series[i], i), plot.series[i].dashed, false});
  if (legend.size() == 1) legend.clear();  // the title says it
  Frame frame(plot.width, plot.height, plot.title, legend);

  // Labels of reference lines stand right of the plot, where no curve can cross them.
  double label_width = 0;
  for (const ReferenceLine& line : plot.references) label_width = std::max(label_width, plot::text_width(line.label));
  frame.right -= std::max(0.0, label_width - 14);

  Range x, y;
  for (const PlotSeries& series : plot.series) {
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
      if (!std::isfinite(series.y[i])) continue;
      x.add(series.x[i]);
      y.add(series.y[i]);
    }
  }
  const bool no_data = y.empty();
  for (const VerticalLine& line : plot.verticals) x.add(line.x);
  for (const ReferenceLine& line : plot.references) y.add(line.y);
  if (plot.x_from_zero && !x.empty()) x.add(0);
  if (!y.empty())
    for (const double value : plot.y_includes) y.add(value);
  if (plot.y_from_zero && !y.empty()) y.add(0);
  frame.set_y(y.low, y.high, plot.y_label);
  frame.set_x(x.low, x.high, plot.x_label, plot.whole_x);
  frame.draw_y_axis();
  frame.draw_x_axis();
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    if (const std::string path = path_of(plot.series[i], frame); !path.empty())
      frame.add(fmt::format("<path class=\"line c{}{}\" d=\"{}\"/>", colour_of(plot.series[i], i),
                            plot.series[i].dashed ? " dash" : "", path));
  draw_references(frame, plot.references);
  draw_verticals(frame, plot.verticals);
  if (no_data) frame.text((frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2, "middle label", "no values");
  return frame.finish();
}

std::string bar_chart_svg(const BarChart& chart) {
  std::vector<plot::LegendEntry> legend;
  for (std::size_t i = 0; i < chart.series.size(); ++i)
    legend.push_back({chart.series[i].name, static_cast<int>(i) % plot::palette_size, false, true});
  Frame frame(chart.width, chart.height, chart.title, legend);

  Range y;
  y.add(0);
  for (const BarSeries& series : chart.series)
    for (double value : series.values) y.add(1.05 * value);  // room for the number above the bar
  frame.set_y(y.low, y.high, chart.y_label);
  frame.set_x(0, 1, "");
  frame.draw_y_axis();
  const auto groups = static_cast<double>(std::max<std::size_t>(chart.groups.size(), 1));
  const double group_width = (frame.right - frame.left) / groups;
  const double bar_width =
      std::min(46.0, 0.84 * group_width / static_cast<double>(std::max<std::size_t>(chart.series.size(), 1)));
  for (std::size_t g = 0; g < chart.groups.size(); ++g) {
    const double middle = frame.left + (static_cast<double>(g) + 0.5) * group_width;
    frame.text(middle, frame.bottom + 16, "middle", chart.groups[g]);
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      const auto& values = chart.series[s].values;
      if (g >= values.size() || !std::isfinite(values[g])) continue;
      const double x = middle + (static_cast<double>(s) - static_cast<double>(chart.series.size()) / 2) * bar_width;
      const double from = frame.y(std::max(values[g], 0.0)), to = frame.y(std::min(values[g], 0.0));
      frame.add(fmt::format("<rect class=\"f{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>",
                            s % plot::palette_size, x + 0.5, from, bar_width - 1, to - from));
      const std::string number = fmt::format(fmt::runtime(chart.number_format), values[g]);
      if (plot::text_width(number) <= bar_width + 6) frame.text(x + bar_width / 2, from - 3, "middle small", number);
    }
  }
  frame.add(fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, frame.y(0), frame.right));
  return frame.finish();
}

std::string plot_css(bool dark) {
  // Okabe and Ito's colours, which the colour-blind tell apart; yellow is left out for white paper, and the darker ones
  // are lightened on a dark page.
  std::string css = R"(
:root{--p0:#0072b2;--p1:#d55e00;--p2:#009e73;--p3:#cc79a7;--p4:#e69f00;--p5:#56b4e9;--p6:#555555;--p7:#8c6d1f;--p8:#7b3fa0;--p9:#a50f15}
svg.plot{display:block;width:100%;height:auto;font:11px system-ui,"DejaVu Sans",sans-serif}
svg.plot text{fill:var(--ink,#222)}
svg.plot .title{font-size:13px;font-weight:600}
svg.plot .label,svg.plot .small{fill:var(--faint,#555)}
svg.plot .small{font-size:9.5px}
svg.plot .middle{text-anchor:middle}
svg.plot .end{text-anchor:end}
svg.plot path{fill:none}
svg.plot .grid{stroke:var(--rule,#ddd)}
svg.plot .axis{stroke:var(--faint,#555)}
svg.plot .reference{stroke:var(--ink,#222);stroke-dasharray:2 3}
svg.plot .line{stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
svg.plot .mark{stroke:var(--ink,#222);stroke-width:1.3}
svg.plot .spread{stroke-width:1.5}
svg.plot .empty{fill:var(--panel,#f0f0f0)}
svg.plot .note{font-size:9.5px}
svg.plot .ring{fill:var(--paper,#fff);stroke-width:2}
svg.plot .points{stroke-width:3.6;stroke-linecap:round}
svg.plot .square{stroke-linecap:square;stroke-width:3}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem}
.legend svg.plot{display:inline-block;width:12px;height:12px;margin-right:.35rem;vertical-align:-1px}
.key{white-space:nowrap}
.key svg.plot{display:inline-block;width:20px;height:12px;margin-right:.3rem;vertical-align:-1px}
svg.plot .dash{stroke-dasharray:6 4}
)";
  if (dark)
    css +=
        "@media screen and (prefers-color-scheme:dark){:root{--p0:#56a8e0;--p1:#ee7733;--p2:#2bbf94;--p3:#dd9cc0;"
        "--p4:#e9b13c;--p5:#8fd0f4;--p6:#b0b0b0;--p7:#c2a45a;--p8:#b78ad6;--p9:#f4796b}}\n";
  for (int i = 0; i < plot::scatter_colours; ++i)
    css += fmt::format("svg.plot .c{0}{{stroke:var(--p{0})}}svg.plot .f{0}{{fill:var(--p{0})}}\n", i);
  return css;
}

std::string svg_file(const std::string& svg) {
  const std::size_t inside = svg.find('>') + 1;
  return svg.substr(0, inside) + "<style>" + plot_css(false) + "</style>" + svg.substr(inside);
}

}  // namespace saccade
