#include "tools/report/matrix_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "tools/report/html.h"
#include "tools/report/plot_frame.h"
#include "tools/report/png.h"

namespace saccade {
namespace {

constexpr std::size_t most_names = 30;  ///< rows with a name beside them
constexpr int side = 240;               ///< of the squares together, in units of the picture

std::array<std::uint8_t, 3> colour_of(double x) {  // x in [-1, 1]
  if (std::isnan(x)) return {160, 160, 160};
  const std::array<int, 3> full = x < 0 ? std::array{0, 114, 178} : std::array{213, 94, 0};
  std::array<std::uint8_t, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = static_cast<std::uint8_t>(std::lround(255 + std::min(1.0, std::fabs(x)) * (full[c] - 255)));
  return colour;
}

std::string image(const Picture& picture, double x, double y, double width, double height) {
  return fmt::format(
      "<image x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" preserveAspectRatio=\"none\" "
      "style=\"image-rendering:pixelated\" href=\"{}\"/>",
      x, y, width, height, png_data_uri(picture));
}

Picture coloured(int height, int width, const std::vector<double>& values, double limit) {
  Picture picture{height, width, 3, {}};
  for (const double value : values)
    for (const std::uint8_t byte : colour_of(limit > 0 ? value / limit : value)) picture.bytes.push_back(byte);
  return picture;
}

}  // namespace

std::string matrix_svg(const MatrixPlot& map) {
  const std::size_t size = map.names.size();
  if (size == 0 || map.values.size() != size * size)
    throw std::invalid_argument(fmt::format("matrix: {} values for {} names", map.values.size(), size));
  double left = 12;
  if (size <= most_names)
    for (const std::string& name : map.names) left = std::max(left, plot::text_width(name) + 10);
  left = std::min(left, 110.0);
  const double top = 26, right = left + side, height = top + side + 12, width = right + 78;
  std::string body = fmt::format("<text class=\"title\" x=\"4\" y=\"15\">{}</text>", escape_html(map.title));
  body += image(coloured(static_cast<int>(size), static_cast<int>(size), map.values, map.limit), left, top, side, side);
  const double step = side / static_cast<double>(size);
  if (size <= most_names)
    for (std::size_t i = 0; i < size; ++i)
      body += fmt::format("<text class=\"small end\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", left - 5,
                          top + (static_cast<double>(i) + 0.5) * step + 3, escape_html(map.names[i].substr(0, 18)));
  constexpr int shades = 64;
  std::vector<double> scale;
  for (int i = 0; i < shades; ++i) scale.push_back(1 - 2.0 * i / (shades - 1));
  body += image(coloured(shades, 1, scale, 1), right + 16, top, 12, side);
  for (const int sign : {1, 0, -1})
    body += fmt::format("<text class=\"small\" x=\"{:.1f}\" y=\"{:.1f}\">{:.2g}</text>", right + 32,
                        top + side * (1 - sign) / 2.0 + 3, sign * map.limit);
  return fmt::format(
      "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "style=\"max-width:{0:.0f}px\" role=\"img\">{2}</svg>",
      width, height, body);
}

}  // namespace saccade
