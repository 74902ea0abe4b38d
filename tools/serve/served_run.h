#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/view_file.h"
#include "streams/network/arrival_log.h"
#include "streams/network/arrival_queue.h"
#include "streams/network/server_options.h"
#include "tools/report/view_sheet.h"
#include "tools/run/event_run.h"

namespace saccade {

/// What arrives for an experiment.
ViewFileHeader arrivals_header(const Experiment& experiment);

/// The recording of a run's arrivals, a new one where there is none. InputError when it has fewer views than the run
/// has `learned`. Warns of a torn end.
ArrivalLog open_arrivals(const RunFolder& folder, const ViewFileHeader& header, std::uint64_t learned);

/// How many events were dropped, behind what is told of a run; empty: none.
std::string dropped_text(const RunSummary& summary);

/// A run whose views arrive and are recorded before they are learned: first what had arrived before this sitting, from
/// the recording, then what comes. Who serves says where that comes from, and takes what there is to answer.
class ServedRun : public EventRun {
 public:
  ServedRun(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs = nullptr);

 protected:
  virtual std::optional<Arrival> next_arrival() = 0;
  virtual void answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) = 0;
  /// Of this sitting.
  virtual EventServerCounts sitting() const = 0;

  const char* command() const override { return "serve"; }
  std::uint64_t length() const override;
  /// Without a length, only probes that are asked for are made.
  std::uint64_t views() const override { return bounded() || experiment_.probe.every > 0 ? length() : 0; }
  bool bounded() const { return experiment_.events != Experiment::unbounded; }
  /// Whether there is something of earlier sittings left to learn.
  bool catching_up() const { return keys_.events() < already_; }
  /// For senders.
  std::string why_ended() const;
  /// Learns from a recording, of which so many events are of earlier sittings. Behind restore().
  void use(ArrivalLog& log, std::uint64_t already);

  std::optional<ScheduledEvent> next_event() override;
  void learned(const ScheduledEvent& event) override;
  void save_state(Checkpoint& checkpoint) override;
  void load_state(const Checkpoint& checkpoint) override;
  void describe(RunSummary& summary) const override;
  ViewSheet sheet() const override { return first_arrivals(experiment_, folder_.arrivals()); }

 private:
  EventServerCounts counts() const;

  ArrivalLog* log_ = nullptr;
  RecordedEvents keys_;  ///< of what the learner is given
  std::uint64_t already_ = 0;
  std::optional<ViewFileReader> recorded_;  ///< while there is something of earlier sittings to learn from
  Arrival view_;                            ///< whose view is being learned from, without it
  EventServerCounts before_;                ///< in earlier sittings
};

}  // namespace saccade
