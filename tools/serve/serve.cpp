#include "tools/serve/serve.h"

#include <fmt/format.h>

#include <utility>

#include "engine/error.h"
#include "streams/network/event_server.h"
#include "tools/live/live_page.h"
#include "tools/live/web_address.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/replay.h"
#include "tools/serve/serve_each.h"
#include "tools/serve/served_run.h"
#include "tools/tell.h"

namespace saccade {
namespace {

/// One network for all that comes.
class Serve final : public ServedRun {
 public:
  Serve(const Experiment& experiment, const CommonFlags& flags, const ServeRequest& request)
      : ServedRun(experiment, flags), options_(server_options(request, experiment, flags)) {
    if (flags.page) watch_ = make_live_page(flags, command(), experiment);
  }

 private:
  void open_source() override {
    const ViewFileHeader header = arrivals_header(experiment_);
    log_.emplace(open_arrivals(folder_, header, done()));
    use(*log_, log_->events().events());
    server_ = std::make_unique<EventServer>(options_, header, *log_, say_served);
    tell_listening(options_, server_->port(), header);
  }

  std::optional<Arrival> next_arrival() override { return server_->next(std::chrono::milliseconds(50)); }
  void answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) override {
    server_->answer(arrival, updated, std::move(updates));
  }
  EventServerCounts sitting() const override { return server_ ? server_->counts() : counts_; }

  bool waits_for_each() const override { return true; }

  /// Nothing more is accepted; what was accepted is learned.
  bool may_stop() const override {
    if (!std::exchange(stopped_, true)) server_->stop();
    return !catching_up() && server_->waiting() == 0;
  }

  std::string headline(const RunSummary& s) const override {
    return fmt::format("{} views of {} streams in {} ({:.0f} views/s learned), {} updates, loss {}, fingerprint {}{}",
                       s.events, s.streams.size(), duration_text(s.seconds), s.events_per_second, s.updates,
                       loss_text(s), s.fingerprint, dropped_text(s));
  }

  void close() override {
    ServedRun::close();
    if (!stopped_) server_->close(*log_, why_ended());
    server_->stop();
    // Recorded, and not learned: senders wait for an answer before they hear why there is no more.
    while (const std::optional<Arrival> arrival = server_->next(std::chrono::milliseconds(0)))
      server_->answer(*arrival, false, {});
    counts_ = server_->counts();
    server_.reset();
    log_->close();
  }

  const EventServerOptions options_;
  std::optional<ArrivalLog> log_;
  mutable bool stopped_ = false;  ///< the server accepts nothing more
  EventServerCounts counts_;
  std::unique_ptr<EventServer> server_;  // last: its thread writes the log
};

}  // namespace

EventServerOptions server_options(const ServeRequest& request, const Experiment& experiment, const CommonFlags& flags) {
  EventServerOptions options = request.server;
  const WebAddress address = web_address(request.listen, "--listen", {.port = serve_port});
  options.host = address.host;
  options.port = address.port;
  if (!flags.token_file.empty()) options.token = Token::read(flags.token_file);
  if (!address.loopback() && !options.token)
    throw InputError(
        fmt::format("--listen {}: others reach this address, and whoever reaches it can teach the learner; "
                    "expected --token-file F, or a loopback address (127.0.0.1, with a tunnel: ssh -L)",
                    address.text()));
  if (experiment.events != Experiment::unbounded) options.most_views = static_cast<std::uint64_t>(experiment.events);
  EventServer::check_address(options);  // before there is a folder
  return options;
}

void check_served(const Experiment& experiment) {
  if (const std::optional<std::string> why = against_replay(experiment)) throw InputError(*why);
  if (!experiment.stream.arrives || experiment.stream.recorded())
    throw InputError(
        "serve: expected stream.arrives = true and no stream.file; a recorded stream is sent with saccade send, or "
        "learned from with saccade replay");
}

void tell_listening(const EventServerOptions& options, std::uint16_t port, const ViewFileHeader& header) {
  tell("listening on {} for views of {}x{}x{}", WebAddress{options.host, port}.text(), header.height, header.width,
       header.channels);
}

void say_served(const std::string& line) { tell("{}", line); }

int serve(const ServeRequest& request) {
  if (serves_each(request)) return serve_each(request);
  return begin_or_resume("serve", Mode::served, request.run,
                         [&](const Experiment& experiment, const CommonFlags& flags) {
                           check_served(experiment);
                           return std::make_unique<Serve>(experiment, flags, request);
                         });
}

}  // namespace saccade
