#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saccade {

/// The files of one run. Creating the object with `create_run_folder` or `open_run_folder` has checked the folder.
struct RunFolder {
  std::filesystem::path folder;
  std::shared_ptr<void> lock = {};  ///< held while the run lives: two processes in one folder would mix their files

  std::filesystem::path experiment() const { return folder / "experiment.toml"; }
  std::filesystem::path metrics() const { return folder / "metrics.csv"; }
  std::filesystem::path trace() const { return folder / "events.trace"; }
  std::filesystem::path summary() const { return folder / "summary.json"; }
  std::filesystem::path report() const { return folder / "report.html"; }
  /// Where --data was when the run began, so that --resume needs nothing else; one line, decides nothing.
  std::filesystem::path data_folder() const { return folder / "data-folder.txt"; }
};

/// A new or empty folder that can be written; missing parents are made. InputError when it is not empty, not a folder
/// not writable or in use by another process; what was made is then removed again. Call it after everything else that
/// can refuse the input.
RunFolder create_run_folder(const std::filesystem::path& folder);

/// The folder of a run to go on with. InputError when there is no experiment.toml in it, it cannot be written or
/// another process is at work in it.
RunFolder open_run_folder(const std::filesystem::path& folder);

/// Replaces a file as a whole: temporary file, sync, rename, sync of the folder. SystemError; the old file then still
/// stands.
void replace_file(const std::filesystem::path& file, std::string_view bytes);

/// One accuracy of a linear probe.
struct ProbeResult {
  int layer = 0;  ///< from 0; -1 = raw pixels
  std::int64_t features = 0;
  double accuracy = 0;   ///< fraction of the test images, 0 to 1
  std::string protocol;  ///< data set, sizes, epochs, seed, device: what the number depends on
};

/// The accuracies of one network (or of raw pixels) on plain and on deformed test images.
struct ProbeResults {
  std::vector<ProbeResult> plain, deformed;
};

/// What summary.json says.
struct RunSummary {
  std::string command;
  std::int64_t seed = 0;
  std::string device, instruction_set, arithmetic;
  int threads = 0;
  std::string data;
  std::uint64_t events = 0, updates = 0;
  double seconds = 0;  ///< of the learning loop: loading and probing excluded
  double events_per_second = 0, pairs_per_second = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::string fingerprint;
  ProbeResults probe, random_probe, pixels_probe;
  ProbeResults classifier;  ///< the network's own, under the supervised loss
  double epochs = 0;        ///< of a training
  double loss = 0;
  bool interrupted = false;
};

/// The summary as indented JSON. Keys: those of the fields; deformed accuracies are "deformed_probe" and so on. A
/// number that is not finite becomes null.
std::string summary_json(const RunSummary& summary);

/// Largest memory that this process has held, in bytes.
std::uint64_t peak_rss_bytes();

/// First line of metrics.csv: one value a row, layer -1 = end to end. Event mode tells the number of views and
/// simulated seconds, batch mode the number of steps and of epochs.
inline constexpr const char* event_metrics_header = "event,time_s,layer,quantity,value";
inline constexpr const char* batch_metrics_header = "step,epoch,layer,quantity,value";

class MetricsWriter {
 public:
  /// Starts a new file, or goes on with one cut to `keep_bytes` (what bytes() said at the checkpoint that is resumed).
  /// InputError when the file is shorter than that; SystemError when it cannot be written.
  explicit MetricsWriter(const std::filesystem::path& file, const char* header = event_metrics_header,
                         std::optional<std::uint64_t> keep_bytes = {});
  ~MetricsWriter();
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;

  void add(std::uint64_t event, double time, int layer, std::string_view quantity, double value);
  /// Everything added so far is on disk afterwards; call it before a checkpoint that remembers bytes().
  void sync();
  std::uint64_t bytes() const { return bytes_; }

 private:
  void write(std::string_view text);

  std::filesystem::path file_;
  std::FILE* out_ = nullptr;
  std::uint64_t bytes_ = 0;
};

}  // namespace saccade
