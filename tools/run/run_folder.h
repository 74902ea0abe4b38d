#pragma once
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file_system.h"
#include "streams/network/server_options.h"

namespace saccade {

struct Checkpoint;

/// The files of one run, and where they are. Creating the object with `create_run_folder` or `open_run_folder` has
/// checked the folder.
struct RunFolder {
  std::filesystem::path folder;
  FileSystem* files = &real_files();
  std::shared_ptr<void> lock = {};  ///< held while the run lives: two processes in one folder would mix their files

  std::filesystem::path experiment() const { return folder / "experiment.toml"; }
  std::filesystem::path metrics() const { return folder / "metrics.csv"; }
  std::filesystem::path similarity() const { return folder / "similarity.csv"; }
  std::filesystem::path probes() const { return folder / "probes.csv"; }
  std::filesystem::path trace() const { return folder / "events.trace"; }
  std::filesystem::path arrivals() const {
    return folder / "arrivals.views";
  }  ///< of a served run; .partial while open
  std::filesystem::path summary() const { return folder / "summary.json"; }
  std::filesystem::path report() const { return folder / "report.html"; }
  /// Where --data was when the run began, so that --resume needs nothing else; one line, decides nothing.
  std::filesystem::path data_folder() const { return folder / "data-folder.txt"; }
};

/// A new or empty folder that can be written; missing parents are made. InputError when it is not empty, not a folder
/// not writable or in use by another process; what was made is then removed again. Call it after everything else that
/// can refuse the input.
RunFolder create_run_folder(const std::filesystem::path& folder, FileSystem& files = real_files());

/// The folder of a run to go on with. InputError when there is no experiment.toml in it, it cannot be written or
/// another process is at work in it.
RunFolder open_run_folder(const std::filesystem::path& folder, FileSystem& files = real_files());

/// Why a folder without experiment.toml is not that of a run, and where there are some.
std::string no_run_in(const RunFolder& folder);

/// The command that made a run, by its checkpoint; empty: none that is known.
std::string maker_of(const Checkpoint& checkpoint);

/// Where the data lay when the run of this folder began; empty where nothing says so.
std::filesystem::path remembered_data_folder(const RunFolder& run);

/// One accuracy of a linear probe.
struct ProbeResult {
  int layer = 0;  ///< from 0; -1 = raw pixels
  std::int64_t features = 0;
  double accuracy = 0;   ///< fraction of the test images, 0 to 1
  std::string protocol;  ///< data set, sizes, epochs, seed, device: what the number depends on
};

/// A protocol as it is the same for runs that differ by their seed.
std::string seedless(std::string protocol, std::int64_t seed);

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
  std::string stream, stream_hash;  ///< name and content of a recorded stream's file; else empty
  std::uint64_t events = 0, updates = 0;
  double seconds = 0;  ///< of the learning loop: loading and probing excluded
  double events_per_second = 0, pairs_per_second = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::string fingerprint;
  ProbeResults probe, random_probe, pixels_probe;
  ProbeResults classifier;   ///< the network's own, under the supervised loss
  double epochs = 0;         ///< of a training
  std::uint64_t length = 0;  ///< of the whole run: views, or steps of a training; 0 = unknown
  double memory_floats = 0;  ///< most that short-term memory held at a time
  double loss = 0;           ///< in the latest stretch; not a number where no view was compared yet
  bool interrupted = false;
  bool diverged = false;   ///< a number was not finite, and stopped the run
  std::string divergence;  ///< what was not, or what loss has grown or stayed large, in words; empty: nothing
  std::string collapse;    ///< what measure.collapse found, in words; empty: nothing
  std::optional<EventServerCounts> served;  ///< of a served run, over all sittings
  std::vector<std::string> streams;         ///< of a served run: their names; not read again
};

/// Its loss for people: "0.1234", or "none yet" where no view was compared.
std::string loss_text(const RunSummary& summary);

/// The summary as indented JSON. Keys: those of the fields; a recorded stream is "stream", deformed accuracies are
/// "deformed_probe" and so on. A number that is not finite becomes null.
std::string summary_json(const RunSummary& summary);
/// Reads it again; what an older program did not write stays as it is in a RunSummary. InputError naming file and key.
RunSummary read_summary(const std::filesystem::path& file);

/// Largest memory that this process has held, in bytes.
std::uint64_t peak_rss_bytes();

}  // namespace saccade
