#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/report/plot.h"
#include "tools/report/plot_frame.h"
#include "tools/report/statistic.h"

namespace saccade {
namespace {

using plot::Frame;

struct Setting {
  std::vector<double> values;  ///< finite ones
  Statistic statistic;
};

struct Settings {
  std::vector<Setting> all;
  double low = std::numeric_limits<double>::infinity(), high = -low;
};

Settings settings_of(const SpreadPlot& plot) {
  Settings settings;
  const auto extend = [&](double value) {
    if (std::isfinite(value))
      settings.low = std::min(settings.low, value), settings.high = std::max(settings.high, value);
  };
  for (std::size_t i = 0; i < plot.x_names.size(); ++i) {
    Setting one;
    if (i < plot.values.size())
      std::copy_if(plot.values[i].begin(), plot.values[i].end(), std::back_inserter(one.values),
                   [](double value) { return std::isfinite(value); });
    one.statistic = statistic(one.values);
    for (const double value : one.values) extend(value);
    extend(one.statistic.mean - one.statistic.sd);
    extend(one.statistic.mean + one.statistic.sd);
    settings.all.push_back(std::move(one));
  }
  if (plot.zero && settings.low <= settings.high) extend(0);
  return settings;
}

std::string circle(const char* classes, double x, double y, double radius) {
  return fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"/>", classes, x, y, radius);
}

}  // namespace

std::string spread_plot_svg(const SpreadPlot& plot) {
  const Settings settings = settings_of(plot);
  Frame frame(plot.width, plot.height, plot.title, {});
  frame.set_y(settings.low, settings.high, plot.y_label);
  frame.set_x(0, 1, "");
  frame.draw_y_axis();
  if (plot.zero && settings.low <= settings.high)
    frame.add(
        fmt::format("<path class=\"reference\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, frame.y(0), frame.right));
  frame.add(fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, frame.bottom, frame.right));
  const double step = (frame.right - frame.left) / static_cast<double>(std::max<std::size_t>(settings.all.size(), 1));
  std::string line, marks;
  for (std::size_t i = 0; i < settings.all.size(); ++i) {
    const auto& [values, s] = settings.all[i];
    const double x = frame.left + (static_cast<double>(i) + 0.5) * step;
    frame.text(x, frame.bottom + 16, "middle", plot.x_names[i]);
    if (s.n == 0) continue;
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, frame.y(s.mean));
    if (std::isfinite(s.sd))
      marks +=
          fmt::format("<path class=\"spread c0\" d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8\"/>",
                      x, frame.y(s.mean - s.sd), frame.y(s.mean + s.sd), x - 4);
    for (const double value : values) marks += circle("ring c6", x + 9, frame.y(value), 2.5);
    marks += circle("f0", x, frame.y(s.mean), 4);
  }
  if (plot.ordered && !line.empty()) frame.add(fmt::format("<path class=\"line c0\" d=\"{}\"/>", line));
  frame.add(marks);
  frame.text((frame.left + frame.right) / 2, frame.bottom + 33, "middle label", plot.x_label);
  return frame.finish();
}

std::string spread_rows_svg(const SpreadPlot& plot) {
  constexpr double row_height = 21;
  const Settings settings = settings_of(plot);
  const int height =
      78 + static_cast<int>(row_height * static_cast<double>(std::max<std::size_t>(settings.all.size(), 1)));
  Frame frame(plot.width, height, plot.title, {});
  double label_width = 0;
  for (const std::string& name : plot.x_names) label_width = std::max(label_width, plot::text_width(name));
  frame.left = std::min(label_width + 16, 0.6 * plot.width);
  double low = settings.low, high = settings.high;
  if (low <= high) {
    const std::vector<double> ticks = round_ticks(low, high, 5);
    low = ticks.front();
    high = ticks.back();
  }
  frame.set_x(low, high, plot.y_label);
  for (std::size_t i = 0; i < settings.all.size(); ++i) {
    const auto& [values, s] = settings.all[i];
    const double y = frame.top + (static_cast<double>(i) + 0.5) * row_height;
    frame.add(fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.left, y, frame.right));
    frame.text(frame.left - 8, y + 4, "end", plot.x_names[i]);
    if (s.n == 0) continue;
    if (std::isfinite(s.sd))
      frame.add(fmt::format("<path class=\"spread c0\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", frame.x(s.mean - s.sd), y,
                            frame.x(s.mean + s.sd)));
    for (const double value : values) frame.add(circle("ring c6", frame.x(value), y + 6, 2));
    frame.add(circle("f0", frame.x(s.mean), y, 4));
  }
  if (plot.zero && low <= 0 && high >= 0)
    frame.add(
        fmt::format("<path class=\"reference\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", frame.x(0), frame.top, frame.bottom));
  frame.draw_x_axis();
  return frame.finish();
}

}  // namespace saccade
