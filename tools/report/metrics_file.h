#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/report/appended_file.h"

namespace saccade {

/// First line of metrics.csv: one value a row, layer -1 = end to end. Event mode tells the number of views and
/// simulated seconds, batch mode the number of steps and of epochs.
inline constexpr const char* event_metrics_header = "event,time_s,layer,quantity,value";
inline constexpr const char* batch_metrics_header = "step,epoch,layer,quantity,value";

class MetricsWriter {
 public:
  /// As AppendedFile.
  explicit MetricsWriter(const std::filesystem::path& file, const char* header = event_metrics_header,
                         std::optional<std::uint64_t> keep_bytes = {}, FileSystem& files = real_files())
      : file_(file, header, keep_bytes, files) {}

  void add(std::uint64_t event, double time, int layer, std::string_view quantity, double value);
  void sync() { file_.sync(); }
  std::uint64_t bytes() const { return file_.bytes(); }

 private:
  AppendedFile file_;
};

/// A column of metrics.csv: one quantity of one layer over the run.
struct MetricSeries {
  int layer = 0;         ///< -1 = end to end
  std::string quantity;  ///< positive_distance negative_distance positive_active negative_active loss updates
                         ///< positive_score negative_score autoencoder_loss staleness, and
                         ///< those of tools/measures
  std::vector<double> events, values;  ///< number of views or steps, the value
  std::vector<double> times = {};      ///< simulated seconds, or epochs
};

/// Reads metrics.csv. InputError naming file and line when a row is not as expected; a torn last line (a run that was
/// killed) is left out.
std::vector<MetricSeries> read_metrics(const std::filesystem::path& file, FileSystem& files = real_files());

}  // namespace saccade
