#pragma once
#include <cstddef>

#include "streams/views.h"

namespace saccade {

/// A grid of overlapping square patches of a view, as CLAPP reads an image (Illing et al. 2021; method.md, section 2):
/// patch (row, column) begins at pixel (stride row, stride column); what is left over at the right and lower edges is
/// not used. 64x64 pixels give 7x7 patches.
struct PatchGrid {
  int side = 16, stride = 8;  ///< pixels

  int rows(const ViewShape& view) const { return view.height < side ? 0 : (view.height - side) / stride + 1; }
  int columns(const ViewShape& view) const { return view.width < side ? 0 : (view.width - side) / stride + 1; }
  /// Of one patch.
  ViewShape patch(const ViewShape& view) const { return {side, side, view.channels}; }
  /// Floats of all patches.
  std::size_t values(const ViewShape& view) const {
    return static_cast<std::size_t>(rows(view)) * columns(view) * patch(view).values();
  }
};

/// view: [height][width][channels] to out: [rows][columns][side][side][channels]. Throws std::invalid_argument for a
/// grid without a patch.
void cut_patches(const float* view, const ViewShape& shape, const PatchGrid& grid, float* out);

}  // namespace saccade
