#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tools/report/statistic.h"
#include "tools/sweep/study_results.h"

/// What a study came to, as plots.
namespace saccade {

/// A number of a run that points are compared by.
struct StudyMeasure {
  std::string name;                              ///< "gain-plain", for names of files
  std::string title;                             ///< "Gain, plain test images"
  std::string unit;                              ///< "points"
  const char* format;                            ///< fmt's, of a value
  bool zero = false;                             ///< 0 means something
  std::function<double(const StudyResult&)> of;  ///< NaN where it was not measured
};

/// Accuracy of the top layer above that of the untrained network, on plain and on deformed test images; the loss where
/// nothing was probed.
std::vector<StudyMeasure> study_measures(const StudyResults& results);

/// Of a point's finished runs, seed by seed; NaN where a run has none.
std::vector<double> point_values(const StudyResults& results, std::size_t point, const StudyMeasure& measure);

/// "window 0.5, negatives 4", or the name of a listed point.
std::string point_label(const StudyResults& results, std::size_t point);

struct StudyPlot {
  std::string name;  ///< of its file, without ".svg"
  std::string svg;
  bool wide = false;  ///< as wide as the page
};

/// Of the points of a grid: a curve over the key that varies, or heat maps over the two with the most values, one for
/// each combination of the others, whose colours span all cells and at least four standard deviations. Of listed
/// points: a row each. Of drawn points: the measure over each key.
std::vector<StudyPlot> measure_plots(const StudyResults& results, const StudyMeasure& measure);

/// The loss over the run, a plot per point (at most most_curves), a line per seed and layer; without runs that
/// diverged, which would flatten the others.
std::vector<StudyPlot> loss_plots(const StudyResults& results);
inline constexpr std::size_t most_curves = 36;

/// Layers that have losses of their own, -1 = end to end; colour I of the palette is that of the I-th.
std::vector<int> loss_layers(const StudyResults& results);

}  // namespace saccade
