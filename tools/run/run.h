#pragma once
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "streams/image_set.h"
#include "tools/cli.h"
#include "tools/live/watch.h"
#include "tools/measures/collapse.h"
#include "tools/measures/learning_measures.h"
#include "tools/measures/representations.h"
#include "tools/report/metrics_file.h"
#include "tools/report/report.h"
#include "tools/report/similarity_file.h"
#include "tools/run/evaluation.h"
#include "tools/run/kept_records.h"
#include "tools/run/metrics_window.h"
#include "tools/run/probe_log.h"
#include "tools/run/run_folder.h"

namespace saccade {

/// What a run reads and computes on. Runs that advance together share it.
struct RunInputs {
  /// InputError when data or device are not there.
  RunInputs(const Experiment& experiment, const CommonFlags& flags);

  DataSet data;      ///< what the network learns from
  DataSet labelled;  ///< what the probe reads, when it is another set
  std::string hash;  ///< of the images and labels of both
  std::unique_ptr<Device> device;
};

/// A learning run and all that belongs to it but the learning: folder, records, checkpoints, probes, interruption,
/// resumption, summary and report. The learner never waits for it: everything here only listens. `replay` and `train`
/// say what one unit of their work (a view, a step) is.
class Run {
 public:
  /// `inputs`: those of runs that differ in learning alone; null: its own.
  Run(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs = nullptr);
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// The state of the learner and of the files. InputError when it does not fit the experiment.
  void restore(const Checkpoint& checkpoint);
  /// From where it stands to the end, to an interruption, to a collapse that stops it, or to a number that is not
  /// finite. Returns the program's exit code: 0, or 130 when interrupted, or 1 when stopped (a checkpoint is then there
  /// to resume from; of a run that diverged, the last one with finite numbers).
  int run(const RunFolder& folder, bool announce);

  /// The same in parts, for runs that advance together: files, the first checkpoint, the untrained network; ...
  void begin(const RunFolder& folder);
  /// ... whether there is something left to do: not at its end, and not asked to stop; ...
  bool going() const;
  /// ... behind each advance, which took so many seconds, what is due there; ...
  void behind(double seconds);
  /// ... the last checkpoint and probe, summary and report. Returns as run().
  int end(bool announce);

 protected:
  virtual const char* command() const = 0;
  virtual const char* unit() const = 0;      ///< "views"
  virtual std::uint64_t done() const = 0;    ///< units so far
  virtual std::uint64_t length() const = 0;  ///< units of the whole run; the largest number: as many as come
  virtual std::uint64_t views() const = 0;   ///< views of the whole run
  virtual double time() const = 0;           ///< as metrics.csv tells it
  /// Floats of what short-term memory holds now, where there is one.
  virtual std::optional<double> held_floats() const { return {}; }
  /// Units until something is due that needs the learner as it is there, or until the end.
  std::uint64_t until_due() const;
  virtual const Parameters& parameters() const = 0;
  /// False where weights were looked at, now and then, and are not finite: no activity need show it.
  virtual bool weights_pass() const = 0;
  virtual const char* metrics_header() const = 0;
  /// Opens files of its own, behind the state that restore() found.
  virtual void open(bool resumed) = 0;
  /// One unit of work, or some, at most until_due(); none when nothing comes before an interruption.
  virtual void advance() = 0;
  /// Whether an interruption may stop it here.
  virtual bool may_stop() const { return true; }
  virtual void save_state(Checkpoint& checkpoint) = 0;
  virtual void load_state(const Checkpoint& checkpoint) = 0;
  /// Adds what it knows: events, updates, rates.
  virtual void describe(RunSummary& summary) const = 0;
  virtual std::string headline(const RunSummary& summary) const = 0;
  /// The first views that it learned from, for the report.
  virtual ViewSheet sheet() const = 0;
  /// Accuracies that are no linear probe's, to be logged beside the probe of the learned network.
  virtual void extra_probes() {}
  /// Closes the files of its own.
  virtual void close() {}
  /// Warnings at the end.
  virtual void warn() const {}
  /// A line for people, which says whose it is where several runs share a process.
  void say(const std::string& text) const;

  const Experiment& experiment_;
  const CommonFlags& flags_;
  const std::shared_ptr<const RunInputs> inputs_;
  const DataSet& data_;
  Device* const device_;
  MetricsWindow metrics_;
  std::unique_ptr<LearningMeasures> measures_;  ///< null where none are asked for
  std::unique_ptr<Representations> representations_;
  std::optional<CollapseAlarm> alarm_;
  std::optional<Evaluation> evaluation_;  ///< where there are labelled images
  RunFolder folder_;
  KeptRecords kept_;  ///< of files that it goes on with: checked in open(), saved in save_state()
  std::unique_ptr<MetricsWriter> writer_;
  std::unique_ptr<SimilarityWriter> similarity_;  ///< null unless asked for
  std::unique_ptr<ProbeLog> probes_;
  std::unique_ptr<Watch> watch_;  ///< null unless someone looks
  double seconds_ = 0;            ///< in the learning loop, over all sittings

 private:
  void make_measures_of_labels();
  std::vector<std::string> similarity_names() const;
  const DataSet& labelled() const { return inputs_->labelled.train.size() > 0 ? inputs_->labelled : data_; }
  bool probing() const { return experiment_.probes(views()); }
  bool due(std::int64_t every) const;
  bool complete() const;
  /// 0 where there is none.
  std::uint64_t told_length() const { return length() == std::numeric_limits<std::uint64_t>::max() ? 0 : length(); }
  void baselines();
  /// Does it, and counts the seconds that it takes as those of the learning loop.
  template <class F>
  void timed(F f);
  /// Where measures are due that metrics.csv does not have yet: at the beginning, at the end, and in between.
  bool measure_due() const;
  void measure();
  void listen_for_collapse(const std::vector<Measure>& measured);
  bool stopped_by_collapse() const {
    return !collapse_.empty() && experiment_.measure.on_collapse == Experiment::OnCollapse::stop && done() < length();
  }
  bool diverged() const { return !divergence_.empty(); }
  void listen_for_growth();
  void look_back();
  void probe();
  void tell_phase(const char* what);
  void tell_probes();
  void save();
  /// Whether all numbers of a state are finite; if not, says so.
  bool finite(const Checkpoint& state);
  int finish(bool announce);
  void print(const RunSummary& summary) const;

  std::uint64_t metrics_position_ = 0, similarity_position_ = 0;
  std::string collapse_;             ///< what the alarm said first, in this sitting
  std::string growth_, divergence_;  ///< what loss has grown or stayed large, what was not finite, in words
  std::uint64_t saved_ = 0;          ///< units at the latest checkpoint
  bool resumed_ = false;
  bool alone_ = false;  ///< in its process
  std::string fingerprint_;
};

/// What a command that makes runs is asked for.
struct RunRequest {
  std::filesystem::path experiment;  ///< empty: the defaults
  CommonFlags flags;
  bool announce = true;               ///< print the result
  FileSystem* files = &real_files();  ///< of the run's folder
};

/// A run to go on with: its folder, its experiment and the newest checkpoint, if it has one.
struct OpenedRun {
  RunFolder folder;
  Experiment experiment;
  std::optional<Checkpoint> checkpoint;
};
/// InputError when it cannot go on, or another command made it. Warns of a damaged checkpoint.
OpenedRun open_run(const char* command, Mode mode, const std::filesystem::path& folder, FileSystem& files);

/// Begins a run (--out) or goes on with one (--resume). `make` builds a run of the command's kind and refuses, by
/// InputError, an experiment that it cannot run. Returns the exit code; InputError before anything is written when the
/// request cannot be met.
using MakeRun = std::function<std::unique_ptr<Run>(const Experiment&, const CommonFlags&)>;
int begin_or_resume(const char* command, Mode mode, const RunRequest& request, const MakeRun& make);

}  // namespace saccade
