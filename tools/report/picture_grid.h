#pragma once
#include "streams/views.h"
#include "tools/report/png.h"

namespace saccade {

/// Equally large pictures in rows and columns, one grey pixel between them.
class PictureGrid {
 public:
  /// For views of this size and kind.
  PictureGrid(int rows, int columns, const ViewShape& view, ViewKind kind);

  /// Pixels of a view; others than 0 to 1 are clipped. The standardised ones of grey_crop are shown as grey.
  void put(int row, int column, const float* pixels);
  Picture take() { return std::move(picture_); }

 private:
  int height_, width_;
  float scale_ = 1, offset_ = 0;
  Picture picture_;
};

/// Every pixel `factor` times as high and wide.
Picture enlarged(const Picture& picture, int factor);

}  // namespace saccade
