#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tools/report/metrics_file.h"
#include "tools/report/png.h"
#include "tools/report/similarity_file.h"

namespace saccade {

/// Accuracies (fractions) of one layer's features, learned and untrained; NaN = not measured.
struct LayerAccuracy {
  std::string name;  ///< "layer 0"
  double learned = 0, untrained = 0;
};

/// The accuracies under one kind of test images.
struct AccuracyTable {
  std::string test_images;  ///< "plain", "deformed"
  std::vector<LayerAccuracy> layers;
  double pixels = 0;  ///< of a probe on raw pixels; NaN = not measured
};

/// Views as the learner saw them: one row an anchor, then its positives and negatives.
struct ViewSheet {
  struct Column {
    std::string name;  ///< "anchor", "positive", "negative 1"
    int views = 1;     ///< equally wide views that the column spans
  };
  std::vector<Column> columns;
  Picture picture;  ///< all views, without text
  int scale = 3;    ///< screen pixels per picture pixel
  std::string caption;
};

/// Everything that a report shows; empty parts are left out.
struct RunReport {
  struct Row {
    std::string name, value, note;
  };
  struct LayerMargins {
    int layer = 0;
    double positive = 0, negative = 0;
  };
  struct LayerSimilarity {
    SimilarityMatrix first, latest;
  };
  std::string title, subtitle;
  std::vector<Row> summary;
  std::vector<Row> plausibility;      ///< condition, verdict, why
  std::vector<MetricSeries> metrics;  ///< drawn over `events`
  std::string axis = "events", loss_of = "mean per view";
  std::vector<LayerMargins> margins;
  std::vector<std::string> similarity_names;
  std::vector<LayerSimilarity> similarities;
  std::vector<AccuracyTable> accuracies;
  ViewSheet sheet;
  std::string experiment;              ///< the text of experiment.toml
  std::vector<std::string> protocols;  ///< what the numbers depend on
};

/// The page as text: one self-contained HTML file.
std::string report_html(const RunReport& report);

/// Writes it, replacing an older one as a whole.
void write_report(const RunReport& report, const std::filesystem::path& file);

}  // namespace saccade
