#include "tools/serve/serve.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "engine/error.h"
#include "streams/network/arrival_log.h"
#include "streams/shape_text.h"
#include "tools/experiment/setup.h"
#include "tools/live/live_page.h"
#include "tools/live/web_address.h"
#include "tools/report/view_sheet.h"
#include "tools/run/event_run.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/replay.h"

namespace saccade {
namespace {

/// The first events of a run, for its report.
class FirstEvents final : public RenderableStream {
 public:
  void add(const ScheduledEvent& event) {
    if (events_.size() < most) events_.push_back(event);
  }
  std::optional<ScheduledEvent> next_recipe() override {
    if (next_ == events_.size()) return {};
    return events_[next_++];
  }
  void render_pixels(View&) const override {}
  void seek(std::uint64_t) override { next_ = 0; }

 private:
  static constexpr std::size_t most = 100;
  std::vector<ScheduledEvent> events_;
  std::size_t next_ = 0;
};

class Serve final : public EventRun {
 public:
  Serve(const Experiment& experiment, const CommonFlags& flags, const ServeRequest& request)
      : EventRun(experiment, flags), options_(request.server), keys_(header().streams) {
    const WebAddress address = web_address(request.listen, "--listen", {.port = serve_port});
    options_.host = address.host;
    options_.port = address.port;
    if (!flags.token_file.empty()) options_.token = Token::read(flags.token_file);
    if (!address.loopback() && !options_.token)
      throw InputError(
          fmt::format("--listen {}: others reach this address, and whoever reaches it can teach the learner; "
                      "expected --token-file F, or a loopback address (127.0.0.1, with a tunnel: ssh -L)",
                      address.text()));
    if (bounded()) options_.most_views = length();
    EventServer::check_address(options_);  // before there is a folder
    if (flags.page) watch_ = make_live_page(flags, command(), experiment);
  }

 private:
  const char* command() const override { return "serve"; }
  bool bounded() const { return experiment_.events != Experiment::unbounded; }
  std::uint64_t length() const override {
    return bounded() ? static_cast<std::uint64_t>(experiment_.events) : std::numeric_limits<std::uint64_t>::max();
  }
  /// Without a length, only probes that are asked for are made.
  std::uint64_t views() const override { return bounded() || experiment_.probe.every > 0 ? length() : 0; }

  ViewFileHeader header() const {
    const NetworkSpec& network = experiment_.network;
    ViewFileHeader header;
    header.height = network.height, header.width = network.width, header.channels = network.channels;
    header.kind = experiment_.view.kind;
    header.content = ViewFileHeader::Content::pixels;
    header.source_name = "network";
    header.streams = static_cast<std::uint32_t>(experiment_.stream.streams);
    return header;
  }

  void open_source() override {
    const std::filesystem::path file = folder_.folder / "arrivals.views";
    std::filesystem::path partial = file;
    partial += ".partial";
    const bool there = folder_.files->exists(file) || folder_.files->exists(partial);
    if (there) {
      log_.emplace(ArrivalLog::resume(*folder_.files, file, header(), done()));
      if (log_->torn() > 0)
        fmt::print(stderr, "saccade: warning: {}: its last {} bytes, an event that was not accepted, are cut off\n",
                   file.string(), log_->torn());
    } else if (done() > 0) {
      throw InputError(fmt::format("{}: is missing; expected what the checkpoint's {} views were learned from",
                                   file.string(), done()));
    } else {
      log_.emplace(*folder_.files, file, header());
    }
    log_->flush();
    already_ = log_->events().events();
    recorded_.emplace(*folder_.files, log_->file());
    while (keys_.views() < done()) keys_.next(*recorded_->next(ViewFileReader::Read::recipes));
    server_ = std::make_unique<EventServer>(options_, header(), *log_,
                                            [](const std::string& line) { fmt::print(stderr, "saccade: {}\n", line); });
    fmt::print(stderr, "saccade: listening on {} for views of {}x{}x{}\n",
               WebAddress{options_.host, server_->port()}.text(), header().height, header().width, header().channels);
  }

  /// What had arrived before this sitting, then what arrives.
  std::optional<ScheduledEvent> next_event() override {
    if (recorded_) {
      if (keys_.events() < already_) {
        Arrival arrival{*recorded_->next(), 0, 0};
        return scheduled(std::move(arrival));
      }
      recorded_.reset();
    }
    std::optional<Arrival> arrival = server_->next(std::chrono::milliseconds(50));
    if (!arrival) return {};
    return scheduled(std::move(*arrival));
  }

  ScheduledEvent scheduled(Arrival arrival) {
    ScheduledEvent event = keys_.next(std::move(arrival.event));
    first_.add(event);
    // A saccade waits for the view behind it; its sender does not: all before it has been answered.
    if (std::holds_alternative<View>(event.event))
      view_ = {Event{}, arrival.connection, arrival.number};
    else
      server_->answer({Event{}, arrival.connection, arrival.number}, false, {});
    return event;
  }

  void learned(const ScheduledEvent& event) override {
    if (!std::holds_alternative<View>(event.event)) return;
    bool updated = false;
    for (const UpdateRecord& update : learner_.records())
      for (const UpdateTerm& term : update.terms) updated = updated || term.active;
    server_->answer(view_, updated, learner_.records());
  }

  bool waits_for_each() const override { return true; }

  /// Nothing more is accepted; what was accepted is learned.
  bool may_stop() const override {
    if (!std::exchange(stopped_, true)) server_->stop();
    return !recorded_ && server_->waiting() == 0;
  }

  void save_state(Checkpoint& checkpoint) override {
    log_->sync();  // a checkpoint must not outlive what it was learned from
    EventRun::save_state(checkpoint);
  }

  void describe(RunSummary& summary) const override {
    EventRun::describe(summary);
    summary.served = counts_;
    for (const std::string& name : log_->names()) summary.streams.push_back(name);
  }

  std::string headline(const RunSummary& s) const override {
    return fmt::format(
        "{} views of {} streams in {} ({:.0f} views/s learned), {} updates, loss {:.4f}, fingerprint {}{}", s.events,
        s.streams.size(), duration_text(s.seconds), s.events_per_second, s.updates, s.loss, s.fingerprint,
        counts_.dropped > 0 ? fmt::format("; {} events were dropped", counts_.dropped) : "");
  }

  ViewSheet sheet() const override {
    FirstEvents first = first_;
    return first_views(experiment_, first);
  }

  void close() override {
    EventRun::close();
    server_->stop();
    counts_ = server_->counts();
    server_.reset();
    log_->close();
  }

  EventServerOptions options_;
  RecordedEvents keys_;  ///< of what the learner is given
  std::optional<ArrivalLog> log_;
  std::optional<ViewFileReader> recorded_;  ///< while there is something of earlier sittings to learn from
  std::uint64_t already_ = 0;               ///< events of earlier sittings
  Arrival view_;                            ///< whose view is being learned from, without it
  FirstEvents first_;
  mutable bool stopped_ = false;  ///< the server accepts nothing more
  EventServerCounts counts_;
  std::unique_ptr<EventServer> server_;  // last: its thread writes the log
};

}  // namespace

int serve(const ServeRequest& request) {
  return begin_or_resume("serve", Mode::served, request.run,
                         [&](const Experiment& experiment, const CommonFlags& flags) {
                           if (const std::optional<std::string> why = against_replay(experiment))
                             throw InputError(*why);
                           if (!experiment.stream.arrives || experiment.stream.recorded())
                             throw InputError(
                                 "serve: expected stream.arrives = true and no stream.file; a recorded "
                                 "stream is sent with saccade send, or learned from with saccade replay");
                           return std::make_unique<Serve>(experiment, flags, request);
                         });
}

}  // namespace saccade
