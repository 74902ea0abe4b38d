#pragma once
#include "tools/png.h"

namespace saccade {

/// Equally large pictures in rows and columns, one grey pixel between them.
class PictureGrid {
 public:
  PictureGrid(int rows, int columns, int height, int width, int channels);

  /// Pixels [height][width][channels] in [0, 1]; others are clipped.
  void put(int row, int column, const float* pixels);
  Picture take() { return std::move(picture_); }

 private:
  int height_, width_;
  Picture picture_;
};

}  // namespace saccade
