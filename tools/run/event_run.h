#pragma once
#include <algorithm>
#include <memory>
#include <optional>

#include "engine/event_queue.h"
#include "engine/recorder.h"
#include "models/online_learner.h"
#include "tools/run/run.h"

namespace saccade {

/// The learner of an event run, or of several that advance together, a replica each.
struct EventLearner {
  EventLearner(const RunInputs& inputs, const Experiment& experiment, LearnerOptions options);

  std::unique_ptr<DeviceImages> images;  ///< null where the stream renders
  OnlineLearner learner;
};

/// A run in event mode: events -> queue -> learner, with what was recorded of it. Where the events come from is up to
/// those who derive from it (`replay`, `serve`). One unit of its work is one view, with the saccades before it: a run
/// stops behind a view only.
class EventRun : public Run {
 protected:
  EventRun(const Experiment& experiment, const CommonFlags& flags);
  /// One of several that advance together. Who owns the learner restores it.
  EventRun(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs,
           std::shared_ptr<EventLearner> learner, int replica);

  /// Gets the source of events ready to go on behind view done().
  virtual void open_source() = 0;
  /// The next event; nothing when none will come before the run stops.
  virtual std::optional<ScheduledEvent> next_event() = 0;
  /// An event has been learned from: a view's records are learner_.records(), where each is waited for.
  virtual void learned(const ScheduledEvent&) {}
  /// Whether someone wants to know what a view did before the next one comes.
  virtual bool waits_for_each() const { return watch_ != nullptr; }

  const char* unit() const override { return "views"; }
  std::uint64_t done() const override { return learner_.events(); }
  double time() const override { return time_; }
  std::optional<double> held_floats() const override { return learner_.held_floats(replica_); }
  const Parameters& parameters() const override;
  bool weights_pass() const override;
  const char* metrics_header() const override { return event_metrics_header; }
  void open(bool resumed) override;
  void advance() override;
  void save_state(Checkpoint& checkpoint) override;
  void load_state(const Checkpoint& checkpoint) override;
  void describe(RunSummary& summary) const override;
  void close() override;
  void warn() const override;

  const std::shared_ptr<EventLearner> shared_;
  const std::unique_ptr<DeviceImages>& images_;
  OnlineLearner& learner_;
  const int replica_;
  std::vector<EventRun*> followers_{this};  ///< who is told of the events that this run advances by

 private:
  bool send_view();
  void follow(const ScheduledEvent& event, std::size_t view);
  void listen(const View& view, const std::vector<UpdateRecord>& records);

  EventQueue queue_;                  ///< saccades wait in it for the view behind them
  std::vector<ScheduledEvent> sent_;  ///< to the learner, whose device need not have come to them
  double time_ = 0;                   ///< of the latest view
  double most_held_ = 0;              ///< floats in short-term memory at a time
  std::unique_ptr<Recorder> recorder_;
  std::uint64_t trace_position_ = 0;
  mutable std::optional<Parameters> own_parameters_;  ///< a copy of the replica's, of one among several
};

}  // namespace saccade
