#include "tools/run/replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/event_queue.h"
#include "engine/recorder.h"
#include "streams/prefetch.h"
#include "tools/experiment/setup.h"
#include "tools/report/metrics_file.h"
#include "tools/report/view_sheet.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

/// On a GPU events that do the same are one graph: anchors climb as they come, not when their layer is drawn.
LearnerOptions online_options(const Experiment& experiment, const Device& device) {
  LearnerOptions options = learner_options(experiment);
  if (device.name() == "cuda") options.waiting_floats = 0;
  return options;
}

/// One unit of work is one view, with the saccade before it.
class Replay final : public Run {
 public:
  Replay(const Experiment& experiment, const CommonFlags& flags)
      : Run(experiment, flags),
        images_(device_images(*device_, experiment, data_)),
        learner_(*device_, experiment.network, online_options(experiment, *device_)),
        source_(event_stream(experiment, data_)),
        sheet_(first_views(experiment, *source_)) {
    source_->seek(0);
    if (images_) learner_.look_at(*images_);
  }

 private:
  const char* command() const override { return "replay"; }
  const char* unit() const override { return "views"; }
  std::uint64_t done() const override { return learner_.events(); }
  std::uint64_t length() const override { return static_cast<std::uint64_t>(experiment_.events); }
  std::uint64_t views() const override { return length(); }
  double time() const override { return time_; }
  std::optional<double> held_floats() const override { return learner_.held_floats(); }
  const Parameters& parameters() const override { return learner_.parameters(); }
  const char* metrics_header() const override { return event_metrics_header; }

  void open(bool resumed) override {
    if (experiment_.record.events)
      recorder_ = resumed ? std::make_unique<Recorder>(*folder_.files, folder_.trace(), trace_position_)
                          : std::make_unique<Recorder>(*folder_.files, folder_.trace());
    if (images_)
      stream_ = std::make_unique<RecipeStream>(std::move(source_));
    else
      stream_ = std::make_unique<PrefetchedStream>(std::move(source_), 1);
    if (done() > 0) stream_->seek(done());
  }

  // A run stops behind a view only: there the stream's seek() goes on. Behind a saccade, that saccade would come twice.
  void advance() override {
    for (;;) {
      queue_.push(*stream_->next());
      const ScheduledEvent next = *queue_.pop();
      learner_.handle(next.event);
      if (const auto* view = std::get_if<View>(&next.event)) return listen(*view);
      if (recorder_) recorder_->saccade(std::get<Saccade>(next.event));
    }
  }

  void listen(const View& view) {
    time_ = to_seconds(view.time);
    most_held_ = std::max(most_held_, learner_.held_floats());
    if (recorder_) recorder_->view(view);
    for (const UpdateRecord& update : learner_.records()) {
      if (recorder_) recorder_->update(update);
      metrics_.add(update);
    }
    if (done() % static_cast<std::uint64_t>(experiment_.record.every) == 0 || done() == length())
      metrics_.write(*writer_, done(), time_);
  }

  void save_state(Checkpoint& checkpoint) override {
    if (recorder_) recorder_->sync();
    learner_.save(checkpoint);
    checkpoint.reals.push_back({"record.memory_floats", {most_held_}});
    checkpoint.integers.push_back({"record.trace", {static_cast<std::int64_t>(recorder_ ? recorder_->position() : 0)}});
  }

  void load_state(const Checkpoint& checkpoint) override {
    learner_.load(checkpoint);
    const std::vector<std::int64_t>& position = checkpoint.integer_values("record.trace");
    if (position.size() != 1)
      throw InputError(fmt::format("checkpoint: record.trace has {} values, expected 1", position.size()));
    trace_position_ = static_cast<std::uint64_t>(position.front());
    const std::vector<double>& floats = checkpoint.real_values("record.memory_floats");
    if (floats.size() != 1)
      throw InputError(fmt::format("checkpoint: record.memory_floats has {} values, expected 1", floats.size()));
    most_held_ = floats.front();
  }

  void describe(RunSummary& summary) const override {
    summary.events = learner_.events();
    summary.updates = learner_.updates();
    summary.events_per_second = seconds_ > 0 ? static_cast<double>(learner_.events()) / seconds_ : 0;
    summary.pairs_per_second = summary.events_per_second / views_of_pair(experiment_, false);
    summary.memory_floats = most_held_;
  }

  std::string headline(const RunSummary& s) const override {
    return fmt::format("{} of {} views in {} ({:.0f} views/s), {} updates, loss {:.4f}, fingerprint {}", s.events,
                       experiment_.events, duration_text(s.seconds), s.events_per_second, s.updates, s.loss,
                       s.fingerprint);
  }

  ViewSheet sheet() const override { return sheet_; }

  void close() override {
    if (recorder_) recorder_->close();
  }

  void warn() const override {
    if (learner_.updates() == 0 && learner_.events() >= 100)
      fmt::print(
          stderr,
          "saccade: warning: no view had an active error, so nothing was learned; look at stream.views, memory.window, "
          "negatives and margins\n");
  }

  std::unique_ptr<DeviceImages> images_;  ///< null where the stream renders
  OnlineLearner learner_;
  std::unique_ptr<RenderableStream> source_;  ///< until open() takes it
  ViewSheet sheet_;
  std::unique_ptr<Stream> stream_;
  EventQueue queue_;
  double time_ = 0;       ///< of the latest view
  double most_held_ = 0;  ///< floats in short-term memory at a time
  std::unique_ptr<Recorder> recorder_;
  std::uint64_t trace_position_ = 0;
};

}  // namespace

std::optional<std::string> against_replay(const Experiment& e) {
  if (e.loss != Experiment::Loss::hinge)
    return fmt::format(
        "loss = {}: event mode learns from the contrastive hinge, expected \"hinge\"; the other losses belong to "
        "saccade train",
        experiment_value(e, "loss"));
  if (e.rule == Experiment::Rule::dtp)
    return "rule = \"dtp\": target propagation belongs to saccade train; expected another rule";
  if (e.error == Experiment::ErrorUnit::circuit && !e.block)
    return "error = \"circuit\", block = false: Appendix A's circuit computes the errors of the later view, none of "
           "the "
           "anchor's; expected block = true, or error = \"hinge\"";
  if (e.negatives == Experiment::all_negatives)
    return "negatives = \"all\": an event has no batch; expected a number, or saccade train";
  return {};
}

int replay(const RunRequest& request) {
  return begin_or_resume("replay", Mode::event, request, [](const Experiment& experiment, const CommonFlags& flags) {
    if (const std::optional<std::string> why = against_replay(experiment)) throw InputError(*why);
    return std::make_unique<Replay>(experiment, flags);
  });
}

}  // namespace saccade
