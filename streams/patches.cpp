#include "streams/patches.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace saccade {

void cut_patches(const float* view, const ViewShape& shape, const PatchGrid& grid, float* out) {
  if (grid.side < 1 || grid.stride < 1 || shape.channels < 1 || grid.rows(shape) < 1 || grid.columns(shape) < 1)
    throw std::invalid_argument(fmt::format("cut_patches: patches of {} pixels at stride {} from a view of {}x{}x{}",
                                            grid.side, grid.stride, shape.height, shape.width, shape.channels));
  const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(grid.side) * shape.channels;
  for (int row = 0; row < grid.rows(shape); ++row)
    for (int column = 0; column < grid.columns(shape); ++column)
      for (int y = 0; y < grid.side; ++y) {
        const std::ptrdiff_t first =
            static_cast<std::ptrdiff_t>(row * grid.stride + y) * shape.width + column * grid.stride;
        out = std::copy_n(view + first * shape.channels, line, out);
      }
}

}  // namespace saccade
