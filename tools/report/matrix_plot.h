#pragma once
#include <string>
#include <vector>

namespace saccade {

/// A matrix as coloured squares: blue below 0, orange above, white at 0, grey where it is not a number.
struct MatrixPlot {
  std::string title;
  std::vector<std::string> names;  ///< of rows and columns; written beside the rows while there is room
  std::vector<double> values;      ///< [names][names]
  double limit = 1;                ///< the size of a value with the full colour; larger ones have it too
};

/// std::invalid_argument when the values are not as many as the names ask for.
std::string matrix_svg(const MatrixPlot& map);

}  // namespace saccade
