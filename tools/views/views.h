#pragma once
#include <filesystem>

#include "tools/cli.h"

namespace saccade {

/// What `saccade views` is asked for.
struct ViewsRequest {
  std::filesystem::path experiment;  ///< empty: the defaults
  int fixations = 10;                ///< rows of the sheet
  int columns = 10;                  ///< views of a fixation on the sheet, and views on the strip
  double seconds = 10;               ///< of the animation
  int scale = 0;  ///< pixels of the picture for a pixel of a view; 0 = so that a view is large enough
};

/// The beginning of the stream that `saccade replay` would learn from, to be looked at: sheet.png (a row a fixation),
/// strip.png (an animated PNG in the stream's own time) and views.csv (a row a view: when it came, what it shows, its
/// recipe, or the factors of a scene of the built-in world). InputError before anything is written.
int show_views(const ViewsRequest& request, const CommonFlags& flags);

}  // namespace saccade
