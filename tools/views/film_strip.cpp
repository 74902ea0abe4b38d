#include "tools/views/film_strip.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/report/picture_grid.h"

namespace saccade {
namespace {

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour blue{0, 114, 178}, orange{230, 159, 0}, empty{40, 40, 40};  // told apart by all eyes (Okabe, Ito 2008)
constexpr int border = 3, gap = 2;

/// A view in the colour of its fixation, red, green and blue.
Picture framed(const View& view, const ViewShape& shape, int factor) {
  PictureGrid grid(1, 1, shape, view.recipe.kind);
  grid.put(0, 0, view.pixels->data());
  const Picture inside = enlarged(grid.take(), factor);
  const Colour& colour = view.fixation % 2 == 0 ? blue : orange;
  Picture out{inside.height + 2 * border, inside.width + 2 * border, 3, {}};
  for (int y = -border; y < inside.height + border; ++y)
    for (int x = -border; x < inside.width + border; ++x) {
      const bool in = y >= 0 && y < inside.height && x >= 0 && x < inside.width;
      const auto at = static_cast<std::size_t>((y * inside.width + x) * inside.channels);
      for (std::size_t c = 0; c < 3; ++c)
        out.bytes.push_back(in ? inside.bytes[at + (inside.channels == 3 ? c : 0)] : colour[c]);
    }
  return out;
}

}  // namespace

std::vector<AnimationFrame> film_strip(const std::vector<View>& views, const ViewShape& shape, int length, int factor,
                                       double last_seconds) {
  std::vector<Picture> cells;
  for (const View& view : views) cells.push_back(framed(view, shape, factor));
  std::vector<AnimationFrame> frames;
  for (std::size_t newest = 0; newest < cells.size(); ++newest) {
    const int height = cells[0].height, width = cells[0].width, pitch = width + gap;
    Picture strip{height, length * pitch - gap, 3, {}};
    for (int i = 0; i < height * strip.width; ++i) strip.bytes.insert(strip.bytes.end(), empty.begin(), empty.end());
    for (int place = length - 1, back = 0; place >= 0 && back <= static_cast<int>(newest); --place, ++back) {
      const Picture& cell = cells[newest - static_cast<std::size_t>(back)];
      for (int y = 0; y < height; ++y)
        std::copy_n(cell.bytes.begin() + static_cast<std::ptrdiff_t>(y) * width * 3, width * 3,
                    strip.bytes.begin() + (static_cast<std::ptrdiff_t>(y) * strip.width + place * pitch) * 3);
    }
    const double seconds =
        newest + 1 < views.size() ? to_seconds(views[newest + 1].time - views[newest].time) : last_seconds;
    frames.push_back({std::move(strip), seconds});
  }
  return frames;
}

}  // namespace saccade
