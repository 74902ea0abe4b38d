#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/report/plot_frame.h"

namespace saccade {
namespace {

using plot::Frame;

struct Colour {
  double red, green, blue;
  std::string text() const { return fmt::format("#{:02x}{:02x}{:02x}", byte(red), byte(green), byte(blue)); }
  /// Relative luminance, about (ITU-R BT.709 on gamma 2.2).
  double luminance() const {
    const auto linear = [](double value) { return std::pow(value / 255, 2.2); };
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  }
  static int byte(double value) { return static_cast<int>(std::lround(value)); }
};

/// Viridis (Smith and van der Walt, matplotlib 1.5) at eight equal steps, linear between: its lightness rises evenly,
/// so that the colour-blind and a black-and-white print show the same order.
Colour viridis(double t) {
  constexpr std::array<Colour, 9> stops{{{68, 1, 84},
                                         {71, 45, 123},
                                         {59, 82, 139},
                                         {44, 114, 142},
                                         {33, 145, 140},
                                         {40, 174, 128},
                                         {94, 201, 98},
                                         {173, 220, 48},
                                         {253, 231, 37}}};
  const double at = std::clamp(t, 0.0, 1.0) * (stops.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const double f = at - static_cast<double>(i);
  const auto mix = [f](double a, double b) { return a + f * (b - a); };
  return {mix(stops[i].red, stops[i + 1].red), mix(stops[i].green, stops[i + 1].green),
          mix(stops[i].blue, stops[i + 1].blue)};
}

/// The colours' scale, right of the map.
void draw_scale(Frame& frame, const HeatMap& map, double left) {
  constexpr int steps = 48;
  const double height = (frame.bottom - frame.top) / steps;
  for (int i = 0; i < steps; ++i)
    frame.add(fmt::format("<rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"12\" height=\"{:.2f}\" fill=\"{}\"/>", left,
                          frame.bottom - (i + 1) * height, height + 0.3, viridis((i + 0.5) / steps).text()));
  const std::vector<double> ticks = round_ticks(map.low, map.high, 4);
  for (const double tick : ticks) {
    if (tick < map.low || tick > map.high || !(map.high > map.low)) continue;
    const double y = frame.bottom - (frame.bottom - frame.top) * (tick - map.low) / (map.high - map.low);
    frame.add(fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}h4\"/>", left + 12, y));
    frame.text(left + 19, y + 4, "", tick_text(tick, ticks[1] - ticks[0]));
  }
}

}  // namespace

std::string heat_map_svg(const HeatMap& map) {
  constexpr double cell_height = 40, scale_width = 62;
  const auto columns = std::max<std::size_t>(map.x_names.size(), 1),
             rows = std::max<std::size_t>(map.y_names.size(), 1);
  const int height = 34 + static_cast<int>(cell_height * static_cast<double>(rows)) + 40;
  Frame frame(map.width, height, map.title, {});
  double label_width = 0;
  for (const std::string& name : map.y_names) label_width = std::max(label_width, plot::text_width(name));
  frame.left = std::min(label_width + 32, 0.4 * map.width);
  frame.right = map.width - scale_width - 14;
  const double width = (frame.right - frame.left) / static_cast<double>(columns);
  const double range = map.high - map.low;
  for (std::size_t row = 0; row < map.cells.size() && row < rows; ++row) {
    const double y = frame.bottom - static_cast<double>(row + 1) * cell_height, middle_y = y + cell_height / 2;
    frame.text(frame.left - 7, middle_y + 4, "end", map.y_names[row]);
    for (std::size_t column = 0; column < map.cells[row].size() && column < columns; ++column) {
      const HeatCell& cell = map.cells[row][column];
      const double x = frame.left + static_cast<double>(column) * width;
      const bool measured = std::isfinite(cell.value);
      const Colour colour = viridis(range > 0 && measured ? (cell.value - map.low) / range : 0.5);
      frame.add(fmt::format(
          "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"{}><title>{}</title></rect>",
          measured ? "cell" : "empty", x + 0.5, y + 0.5, width - 1, cell_height - 1,
          measured ? " fill=\"" + colour.text() + "\"" : "",
          escape_html(fmt::format("{} {}, {} {}: {} {}", map.x_label, map.x_names[column], map.y_label,
                                  map.y_names[row], cell.text, cell.note))));
      // White on dark, black on light, whichever contrasts more.
      const std::string ink = !measured                   ? std::string()
                              : colour.luminance() < 0.18 ? " style=\"fill:#fff\""
                                                          : " style=\"fill:#000\"";
      const double middle = x + width / 2;
      frame.text(middle, middle_y + (cell.note.empty() ? 4 : -2), "middle", cell.text, ink);
      if (plot::text_width(cell.note) * 0.85 < width) frame.text(middle, middle_y + 12, "middle note", cell.note, ink);
    }
  }
  for (std::size_t column = 0; column < map.x_names.size(); ++column)
    frame.text(frame.left + (static_cast<double>(column) + 0.5) * width, frame.bottom + 16, "middle",
               map.x_names[column]);
  frame.text((frame.left + frame.right) / 2, frame.bottom + 33, "middle label", map.x_label);
  const double middle = (frame.top + frame.bottom) / 2;
  frame.text(12, middle, "middle label", map.y_label, fmt::format(" transform=\"rotate(-90 12 {:.1f})\"", middle));
  draw_scale(frame, map, frame.right + 14);
  frame.text(map.width - 6, 15, "end label", map.value_label);
  return frame.finish();
}

}  // namespace saccade
