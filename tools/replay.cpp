#include "tools/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/event_queue.h"
#include "engine/file_system.h"
#include "engine/recorder.h"
#include "streams/prefetch.h"
#include "tools/evaluation.h"
#include "tools/interrupt.h"
#include "tools/metrics_window.h"
#include "tools/probe_log.h"
#include "tools/progress.h"
#include "tools/run_folder.h"
#include "tools/run_report.h"
#include "tools/setup.h"

namespace saccade {
namespace {

using Clock = std::chrono::steady_clock;

/// A run and all that belongs to it. The learner never waits for it: everything here only listens.
class Replay {
 public:
  Replay(const Experiment& experiment, const CommonFlags& flags, std::optional<Checkpoint> resumed)
      : experiment_(experiment),
        flags_(flags),
        data_(load_experiment_data(experiment, flags.data)),
        device_(make_device(flags)),
        learner_(*device_, experiment.network, learner_options(experiment)),
        metrics_(experiment.network.depth()),
        evaluation_(*device_, experiment, data_, flags.quiet),
        stream_(std::make_unique<FixationStream>(data_.train, stream_options(experiment))) {
    if (resumed) {
      try {
        restore(*resumed);
      } catch (const InputError& error) {
        throw InputError(fmt::format("{}: {}", flags.resume.string(), error.what()));
      }
      if (resumed->instruction_set != device_->instruction_set())
        fmt::print(stderr,
                   "saccade: warning: the checkpoint was made with {}, this run uses {}; results may differ in the "
                   "last bits\n",
                   resumed->instruction_set, device_->instruction_set());
      resumed_ = true;
    }
  }

  int run(const RunFolder& folder) {
    folder_ = folder;
    if (!resumed_) {
      // The experiment last: where it stands, --resume has all that it needs, even before the first checkpoint.
      replace_file(folder_.data_folder(),
                   std::filesystem::absolute(flags_.data.empty() ? "." : flags_.data).string() + "\n");
      replace_file(folder_.experiment(), write_experiment(experiment_));
    }
    if (experiment_.record.events) {
      if (resumed_)
        recorder_ = std::make_unique<Recorder>(real_files(), folder_.trace(), trace_position_);
      else
        recorder_ = std::make_unique<Recorder>(real_files(), folder_.trace());
    }
    writer_ =
        std::make_unique<MetricsWriter>(folder_.metrics(), resumed_ ? std::optional(metrics_position_) : std::nullopt);
    probes_ = std::make_unique<ProbeLog>(folder_.folder / "probes.csv",
                                         resumed_ ? std::optional(learner_.events()) : std::nullopt);
    if (!resumed_) save();
    baselines();
    learn();
    if (!interrupted() && experiment_.probes()) probe();
    return finish();
  }

 private:
  void restore(const Checkpoint& checkpoint) {
    auto only = [](const auto& values, const char* name) {
      if (values.size() != 1)
        throw InputError(fmt::format("checkpoint: {} has {} values, expected 1", name, values.size()));
      return values.front();
    };
    learner_.load(checkpoint);
    metrics_.load(checkpoint);
    seconds_ = only(checkpoint.real_values("record.seconds"), "record.seconds");
    trace_position_ = static_cast<std::uint64_t>(only(checkpoint.integer_values("record.trace"), "record.trace"));
    metrics_position_ =
        static_cast<std::uint64_t>(only(checkpoint.integer_values("record.metrics_bytes"), "record.metrics_bytes"));
  }

  std::uint64_t length() const { return static_cast<std::uint64_t>(experiment_.events); }

  /// The untrained network and raw pixels: once per run, before the first event; a resumed run finds them in
  /// probes.csv.
  void baselines() {
    if (!experiment_.probes() || interrupted()) return;
    if (!probes_->has("untrained")) {
      Parameters untrained(*device_, experiment_.network, make_rule("bp"), Heads::top_only,
                           static_cast<std::uint64_t>(experiment_.seed));
      const ProbeResults results = evaluation_.layers(untrained, "untrained network");
      if (interrupted()) return;
      probes_->add(0, "untrained", results);
    }
    if (experiment_.probe.pixels && !probes_->has("pixels")) {
      Parameters untrained(*device_, experiment_.network, make_rule("bp"), Heads::top_only,
                           static_cast<std::uint64_t>(experiment_.seed));
      const ProbeResults results = evaluation_.pixels(untrained);
      if (interrupted()) return;
      probes_->add(0, "pixels", results);
    }
  }

  void learn() {
    PrefetchedStream stream(std::move(stream_), 1);
    if (learner_.events() > 0) stream.seek(learner_.events());
    // A run that was interrupted in the middle of a probe stands right behind the event that asked for it.
    const std::uint64_t at = learner_.events();
    if (resumed_ && at > 0 && at < length() && due(experiment_.probe.every, at) && experiment_.probes() &&
        !probes_->has("learned", at))
      probe();
    EventQueue queue;
    Progress progress("replay", length(), "views", flags_.quiet, learner_.events());
    auto begin = Clock::now();
    auto pause = [&] { seconds_ += std::chrono::duration<double>(Clock::now() - begin).count(); };
    // A run stops behind a view only: there the stream's seek() goes on. Behind a saccade, that saccade would come
    // twice.
    bool stopped = interrupted();
    while (learner_.events() < length() && !stopped) {
      queue.push(*stream.next());
      const ScheduledEvent next = *queue.pop();
      learner_.handle(next.event);
      if (const auto* view = std::get_if<View>(&next.event)) {
        listen(*view);
        const std::uint64_t done = learner_.events();
        progress.update(done,
                        metrics_.last_loss() > 0 ? fmt::format("loss {:.3f}", metrics_.last_loss()) : std::string());
        if (due(experiment_.probe.every, done) && done < length() && experiment_.probes()) {
          pause();
          probe();
          begin = Clock::now();
        }
        if (due(experiment_.checkpoint.every, done) && done < length()) {
          pause();
          begin = Clock::now();
          save();
        }
        stopped = interrupted();
      } else if (recorder_) {
        recorder_->saccade(std::get<Saccade>(next.event));
      }
    }
    pause();
    save();
  }

  static bool due(std::int64_t every, std::uint64_t done) {
    return every > 0 && done % static_cast<std::uint64_t>(every) == 0;
  }

  void listen(const View& view) {
    const UpdateRecord& update = learner_.last();
    if (recorder_) {
      recorder_->view(view);
      recorder_->update(update);
    }
    metrics_.add(update);
    const std::uint64_t done = learner_.events();
    if (due(experiment_.record.every, done) || done == length()) metrics_.write(*writer_, done, to_seconds(view.time));
  }

  void probe() {
    const ProbeResults results = evaluation_.layers(learner_.parameters(), "learned network");
    if (!interrupted()) probes_->add(learner_.events(), "learned", results);
  }

  void save() {
    if (recorder_) recorder_->sync();
    writer_->sync();
    Checkpoint checkpoint;
    checkpoint.experiment = write_experiment(experiment_);
    learner_.save(checkpoint);
    metrics_.save(checkpoint);
    checkpoint.reals.push_back({"record.seconds", {seconds_}});
    checkpoint.integers.push_back({"record.trace", {static_cast<std::int64_t>(recorder_ ? recorder_->position() : 0)}});
    checkpoint.integers.push_back({"record.metrics_bytes", {static_cast<std::int64_t>(writer_->bytes())}});
    save_generation(real_files(), folder_.folder, checkpoint);
    fingerprint_ = fingerprint(checkpoint);
  }

  int finish() {
    if (recorder_) recorder_->close();
    RunSummary summary;
    summary.command = "replay";
    summary.seed = experiment_.seed;
    summary.device = device_->name();
    summary.instruction_set = device_->instruction_set();
    summary.arithmetic = "exact";
    summary.threads = device_->threads();
    summary.data = data_name(experiment_.data);
    summary.events = learner_.events();
    summary.updates = learner_.updates();
    summary.seconds = seconds_;
    summary.events_per_second = seconds_ > 0 ? static_cast<double>(learner_.events()) / seconds_ : 0;
    summary.pairs_per_second =
        summary.events_per_second / static_cast<double>(std::max<std::int64_t>(2, experiment_.stream.views));
    summary.peak_rss_bytes = peak_rss_bytes();
    summary.fingerprint = fingerprint_;
    summary.probe = probes_->latest("learned");
    summary.random_probe = probes_->latest("untrained");
    summary.pixels_probe = probes_->latest("pixels");
    summary.loss = metrics_.last_loss();
    summary.interrupted = interrupted() && !complete();
    const std::string json = summary_json(summary);
    replace_file(folder_.summary(), json);
    write_report(run_report(experiment_, data_.train, summary, folder_, learner_.memory_floats()), folder_.report());
    if (flags_.json)
      fmt::print("{}", json);
    else
      print(summary);
    if (learner_.updates() == 0 && learner_.events() >= 100)
      fmt::print(
          stderr,
          "saccade: warning: no view had an active error, so nothing was learned; look at stream.views, memory.window, "
          "negatives and margins\n");
    if (metrics_.diverged())
      fmt::print(stderr,
                 "saccade: warning: a distance or loss was not finite: the run has diverged; try smaller rates\n");
    return summary.interrupted ? 130 : 0;
  }

  /// A signal behind the last thing to do interrupts nothing.
  bool complete() const {
    return learner_.events() == length() && (!experiment_.probes() || probes_->has("learned", length()));
  }

  void print(const RunSummary& s) const {
    fmt::print("{} of {} views in {} ({:.0f} views/s), {} updates, loss {:.4f}, fingerprint {}\n", s.events,
               experiment_.events, duration_text(s.seconds), s.events_per_second, s.updates, s.loss, s.fingerprint);
    print_accuracies(s);
    if (!experiment_.probes())
      fmt::print("no probe was asked for (probe.enabled; \"auto\" probes runs over 5,000 events)\n");
    fmt::print("report: {}\n", folder_.report().string());
    if (s.interrupted) fmt::print("interrupted; go on with: saccade replay --resume {}\n", folder_.folder.string());
  }

  const Experiment& experiment_;
  const CommonFlags& flags_;
  DataSet data_;
  std::unique_ptr<Device> device_;
  OnlineLearner learner_;
  MetricsWindow metrics_;
  Evaluation evaluation_;
  std::unique_ptr<RenderableStream> stream_;  ///< until learn() takes it
  RunFolder folder_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<MetricsWriter> writer_;
  std::unique_ptr<ProbeLog> probes_;
  std::uint64_t trace_position_ = 0, metrics_position_ = 0;
  bool resumed_ = false;
  double seconds_ = 0;  ///< in the learning loop, over all sittings
  std::string fingerprint_;
};

/// Where the data lay when the run began; --data overrides it.
std::filesystem::path remembered_data_folder(const RunFolder& folder) {
  std::ifstream in(folder.data_folder());
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

int replay(const ReplayRequest& request) {
  catch_interrupts();
  const CommonFlags& flags = request.flags;
  if (flags.resume.empty()) {
    if (flags.out.empty())
      throw InputError("replay: where should the run go? Give --out DIR (or --resume DIR to go on with one)");
    const Experiment experiment = load_experiment(request.experiment, flags.set);
    Replay run(experiment, flags, {});
    return run.run(create_run_folder(flags.out));
  }
  if (!request.experiment.empty() || !flags.set.empty() || !flags.out.empty())
    throw InputError(
        "replay: --resume DIR goes on with a run as it is; leave out the experiment file, --set and --out");
  const RunFolder folder = open_run_folder(flags.resume);
  std::string warning;
  std::optional<Checkpoint> checkpoint = load_newest(real_files(), folder.folder, warning);
  CommonFlags resumed = flags;
  if (resumed.data.empty()) resumed.data = remembered_data_folder(folder);
  if (!checkpoint) {
    // A run that was ended before its first checkpoint begins again; one that has lost its checkpoints must not be
    // overwritten.
    if (!warning.empty() || std::filesystem::exists(folder.summary()))
      throw InputError(fmt::format("{}: there is no usable checkpoint in this folder{}{}", folder.folder.string(),
                                   warning.empty() ? "" : ": ", warning));
    const Experiment experiment = load_experiment(folder.experiment());
    Replay run(experiment, resumed, {});
    fmt::print(stderr, "saccade: warning: {}: no checkpoint yet, the run begins at its first event\n",
               folder.folder.string());
    return run.run(folder);
  }
  if (!warning.empty()) fmt::print(stderr, "saccade: warning: {}\n", warning);
  // A checkpoint of another run, or an experiment file that was edited, would leave a folder whose files contradict
  // each other.
  if (const std::vector<std::uint8_t> text = real_files().read_all(folder.experiment(), std::size_t{1} << 24);
      std::string_view(reinterpret_cast<const char*>(text.data()), text.size()) != checkpoint->experiment)
    throw InputError(fmt::format(
        "{}: experiment.toml is not the experiment that the checkpoint was made with; put the right one back, "
        "or start a new run of it with --out",
        folder.folder.string()));
  const Experiment experiment = parse_experiment(checkpoint->experiment, "checkpoint in " + folder.folder.string());
  Replay run(experiment, resumed, std::move(checkpoint));
  return run.run(folder);
}

}  // namespace saccade
