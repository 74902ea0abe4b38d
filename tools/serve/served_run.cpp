#include "tools/serve/served_run.h"

#include <fmt/format.h>

#include <limits>

#include "engine/error.h"
#include "tools/tell.h"

namespace saccade {
namespace {

constexpr const char* counts_name = "record.served";

}  // namespace

ViewFileHeader arrivals_header(const Experiment& experiment) {
  const NetworkSpec& network = experiment.network;
  ViewFileHeader header;
  header.height = network.height, header.width = network.width, header.channels = network.channels;
  header.kind = experiment.view.kind;
  header.content = ViewFileHeader::Content::pixels;
  header.source_name = "network";
  header.streams = static_cast<std::uint32_t>(experiment.stream.streams);
  return header;
}

ArrivalLog open_arrivals(const RunFolder& folder, const ViewFileHeader& header, std::uint64_t learned) {
  const std::filesystem::path file = folder.arrivals();
  std::filesystem::path partial = file;
  partial += ".partial";
  if (!folder.files->exists(file) && !folder.files->exists(partial)) {
    if (learned > 0)
      throw InputError(fmt::format("{}: is missing; expected what the checkpoint's {} views were learned from",
                                   file.string(), learned));
    ArrivalLog log(*folder.files, file, header);
    log.flush();
    return log;
  }
  ArrivalLog log = ArrivalLog::resume(*folder.files, file, header, learned);
  if (log.torn() > 0)
    tell("warning: {}: its last {} bytes, which are no whole event, are cut off", file.string(), log.torn());
  log.flush();
  return log;
}

std::string dropped_text(const RunSummary& summary) {
  const std::uint64_t dropped = summary.served ? summary.served->dropped : 0;
  return dropped > 0 ? fmt::format("; {} events were dropped", dropped) : "";
}

ServedRun::ServedRun(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs)
    : EventRun(experiment, flags, inputs ? inputs : std::make_shared<const RunInputs>(experiment, flags), nullptr, 0),
      keys_(static_cast<std::uint32_t>(experiment.stream.streams)) {}

std::uint64_t ServedRun::length() const {
  return bounded() ? static_cast<std::uint64_t>(experiment_.events) : std::numeric_limits<std::uint64_t>::max();
}

std::string ServedRun::why_ended() const {
  return done() == length() ? fmt::format("the run has its {} views", length())
                            : "the network that this stream feeds has stopped: " + folder_.folder.string();
}

void ServedRun::use(ArrivalLog& log, std::uint64_t already) {
  log_ = &log;
  already_ = already;
  before_.events = already;
  if (already == 0) return;
  recorded_.emplace(*folder_.files, log.file());
  while (keys_.views() < done()) keys_.next(*recorded_->next(ViewFileReader::Read::recipes));
}

std::optional<ScheduledEvent> ServedRun::next_event() {
  std::optional<Arrival> arrival;
  if (catching_up()) {
    arrival = Arrival{*recorded_->next(), 0, 0};
  } else {
    recorded_.reset();
    arrival = next_arrival();
  }
  if (!arrival) return {};
  ScheduledEvent event = keys_.next(std::move(arrival->event));
  // A saccade waits for the view behind it; its sender does not: all before it has been answered.
  arrival->event = Event{};
  if (std::holds_alternative<View>(event.event))
    view_ = *arrival;
  else
    answer(*arrival, false, {});
  return event;
}

void ServedRun::learned(const ScheduledEvent& event) {
  if (!std::holds_alternative<View>(event.event)) return;
  bool updated = false;
  for (const UpdateRecord& update : learner_.records())
    for (const UpdateTerm& term : update.terms) updated = updated || term.active;
  answer(view_, updated, learner_.records());
}

void ServedRun::save_state(Checkpoint& checkpoint) {
  log_->sync();  // a checkpoint must not outlive what it was learned from
  EventRun::save_state(checkpoint);
  std::vector<std::int64_t> values;
  EventServerCounts now = counts();
  for (const std::uint64_t* value : now.values()) values.push_back(static_cast<std::int64_t>(*value));
  checkpoint.integers.push_back({counts_name, std::move(values)});
}

void ServedRun::load_state(const Checkpoint& checkpoint) {
  EventRun::load_state(checkpoint);
  for (const Checkpoint::Integers& integers : checkpoint.integers) {  // one of an older program has none
    if (integers.name != counts_name) continue;
    if (integers.values.size() != before_.values().size())
      throw InputError(fmt::format("checkpoint: {} has {} values, expected {}", counts_name, integers.values.size(),
                                   before_.values().size()));
    for (std::size_t i = 0; i < integers.values.size(); ++i)
      *before_.values()[i] = static_cast<std::uint64_t>(integers.values[i]);
  }
}

EventServerCounts ServedRun::counts() const {
  EventServerCounts all = before_, now = sitting();
  for (std::size_t i = 0; i < all.values().size(); ++i) *all.values()[i] += *now.values()[i];
  return all;
}

void ServedRun::describe(RunSummary& summary) const {
  EventRun::describe(summary);
  summary.served = counts();
  summary.streams = log_->names();
}

}  // namespace saccade
