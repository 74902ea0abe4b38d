#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/report/plot_frame.h"

namespace saccade {
namespace {

using plot::Frame;

std::string circle(const char* classes, double x, double y, double radius) {
  return fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>", classes, x, y, radius);
}

/// Neighbouring groups differ in shape as well, round or square.
std::string point_classes(std::size_t group) {
  return fmt::format("points{} c{}", group % 2 == 1 ? " square" : "", group % plot::scatter_colours);
}

}  // namespace

std::string dot_plot_svg(const DotPlot& plot) {
  constexpr double row_height = 21;
  const int height =
      92 + static_cast<int>(row_height * static_cast<double>(std::max<std::size_t>(plot.rows.size(), 1)));
  Frame frame(plot.width, height, plot.title, {});
  double label_width = 0, low = std::numeric_limits<double>::infinity(), high = -low;
  for (const DotRow& row : plot.rows) {
    label_width = std::max(label_width, plot::text_width(row.name));
    const double sd = std::isfinite(row.sd) ? row.sd : 0;
    for (double value : {row.published, row.ours - sd, row.ours + sd})
      if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  frame.add(circle("ring c1", frame.left + 5, 30, 4.5));
  frame.text(frame.left + 15, 34, "", "published");
  frame.add(circle("f0", frame.left + 95, 30, 4.5));
  frame.text(frame.left + 105, 34, "", "ours");
  frame.top = 46;
  frame.left = std::min(label_width + 16, 0.6 * plot.width);
  if (low <= high) {
    const std::vector<double> ticks = round_ticks(low, high, 5);
    low = ticks.front();
    high = ticks.back();
  }
  frame.set_x(low, high, plot.x_label);
  for (std::size_t i = 0; i < plot.rows.size(); ++i) {
    const DotRow& row = plot.rows[i];
    const double y = frame.top + (static_cast<double>(i) + 0.5) * row_height;
    frame.add(fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, y, frame.right));
    frame.text(frame.left - 8, y + 4, "end", row.name);
    if (std::isfinite(row.ours) && std::isfinite(row.sd) && row.sd > 0)
      frame.add(fmt::format("<path class=\"spread c0\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.x(row.ours - row.sd), y,
                            frame.x(row.ours + row.sd)));
    if (std::isfinite(row.published)) frame.add(circle("ring c1", frame.x(row.published), y, 4.5));
    if (std::isfinite(row.ours)) frame.add(circle("f0", frame.x(row.ours), y, 4.5));
  }
  frame.draw_x_axis();
  return frame.finish();
}

std::string scatter_svg(const ScatterPlot& plot) {
  Frame frame(plot.width, plot.height, "", {});
  frame.left = 8;
  frame.right = plot.width - 8;
  frame.top = 26;
  frame.bottom = plot.height - 8;
  frame.text(frame.left, 15, "title", plot.title);
  double low[2] = {1e300, 1e300}, high[2] = {-1e300, -1e300};
  const auto extend = [&](const std::vector<double>& values, int axis) {
    for (double value : values)
      if (std::isfinite(value)) low[axis] = std::min(low[axis], value), high[axis] = std::max(high[axis], value);
  };
  for (const PointGroup& group : plot.groups) extend(group.x, 0), extend(group.y, 1);
  // One scale for both directions: distances must look as they are.
  const double scale = std::min((frame.right - frame.left - 8) / std::max(high[0] - low[0], 1e-300),
                                (frame.bottom - frame.top - 8) / std::max(high[1] - low[1], 1e-300));
  const double middle_x = (frame.left + frame.right) / 2, middle_y = (frame.top + frame.bottom) / 2;
  for (std::size_t g = 0; g < plot.groups.size(); ++g) {
    const PointGroup& group = plot.groups[g];
    std::string path;
    for (std::size_t i = 0; i < std::min(group.x.size(), group.y.size()); ++i)
      if (std::isfinite(group.x[i]) && std::isfinite(group.y[i]))
        path += fmt::format("M{:.1f} {:.1f}h.01", middle_x + scale * (group.x[i] - (low[0] + high[0]) / 2),
                            middle_y - scale * (group.y[i] - (low[1] + high[1]) / 2));
    if (!path.empty())
      frame.add(fmt::format("<path class=\"{}\" d=\"{}\"><title>{}</title></path>", point_classes(g), path,
                            escape_html(group.name)));
  }
  return frame.finish();
}

std::string scatter_legend(const std::vector<std::string>& names) {
  std::string html = "<div class=\"legend\">";
  for (std::size_t g = 0; g < names.size(); ++g)
    html += fmt::format(
        "<span><svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 8 8\" aria-hidden=\"true\">"
        "<path class=\"{}\" d=\"M4 4h.01\"/></svg>{}</span>",
        point_classes(g), escape_html(names[g]));
  return html + "</div>\n";
}

PlotSeries histogram_series(std::string name, const std::vector<double>& values, double low, double high, int bins) {
  std::vector<double> shares(static_cast<std::size_t>(bins));
  for (double value : values) {
    if (!(value >= low && value <= high)) continue;
    const auto bin = static_cast<std::size_t>((value - low) / (high - low) * bins);
    shares[std::min(bin, shares.size() - 1)] += 1 / static_cast<double>(values.size());
  }
  PlotSeries series{std::move(name), {low}, {0}};
  for (std::size_t i = 0; i < shares.size(); ++i)
    for (std::size_t edge = i; edge <= i + 1; ++edge) {
      series.x.push_back(low + (high - low) * static_cast<double>(edge) / bins);
      series.y.push_back(shares[i]);
    }
  series.x.push_back(high);
  series.y.push_back(0);
  return series;
}

}  // namespace saccade
