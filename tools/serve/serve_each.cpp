#include "tools/serve/serve_each.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "streams/network/event_server.h"
#include "tools/experiment/idle_keys.h"
#include "tools/experiment/setup.h"
#include "tools/lock_folder.h"
#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/serve/served_run.h"
#include "tools/serve/stream_folders.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// One of several that a server feeds.
class StreamRun final : public ServedRun {
 public:
  StreamRun(StreamFolders::Folder& folder, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs,
            EventServer& server)
      : ServedRun(folder.run.experiment, flags, std::move(inputs)), given_(folder), server_(server) {}

  /// From an event of its stream; how many views that were.
  std::uint64_t learn(Arrival&& arrival) {
    next_ = std::move(arrival);
    const std::uint64_t before = done();
    step();
    return done() - before;
  }
  /// What had arrived before this sitting.
  void catch_up() {
    while (catching_up() && going()) step();
  }
  using ServedRun::why_ended;

 private:
  void open_source() override { use(given_.log, given_.already); }
  std::optional<Arrival> next_arrival() override { return std::exchange(next_, std::nullopt); }
  void answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) override {
    server_.answer(arrival, updated, std::move(updates));
  }
  EventServerCounts sitting() const override { return server_.counts(given_.log); }
  /// Who feeds it decides.
  bool may_stop() const override { return false; }
  std::string headline(const RunSummary&) const override { return given_.name; }
  void close() override {
    ServedRun::close();
    given_.log.close();
  }

  void step() {
    const std::uint64_t before = done();
    const auto since = std::chrono::steady_clock::now();
    advance();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
    if (done() == before)
      seconds_ += seconds;  // a saccade
    else
      behind(seconds);
  }

  StreamFolders::Folder& given_;
  EventServer& server_;
  std::optional<Arrival> next_;
};

/// All that are served.
class ServedStreams {
 public:
  ServedStreams(StreamFolders& folders, const Experiment& experiment, const CommonFlags& flags,
                const EventServerOptions& options, std::shared_ptr<const RunInputs> inputs)
      : folders_(folders),
        flags_(flags),
        streams_(static_cast<std::size_t>(experiment.stream.streams)),
        inputs_(std::move(inputs)),
        server_(options, arrivals_header(experiment), folders, say_served),
        progress_("serve", 0, "views", flags.quiet) {
    tell_listening(options, server_.port(), arrivals_header(experiment));
  }

  /// Until all that may come are at their end, or an interruption.
  int serve() {
    for (StreamFolders::Folder* folder : known_) begin(*folder).catch_up();
    for (StreamFolders::Folder* folder : known_) end_if_done(folder->log);
    while (ended_ < streams_ && !interrupted()) take(std::chrono::milliseconds(50));
    server_.stop();
    while (take(std::chrono::milliseconds(0))) {
    }
    for (auto& [log, run] : runs_)
      if (run) end(*log, *run);
    tell_of_none();
    return code_;
  }

 private:
  bool take(std::chrono::milliseconds wait) {
    std::optional<Arrival> arrival = server_.next(wait);
    if (!arrival) return false;
    const ArrivalLog& log = *arrival->log;
    if (!runs_.contains(&log)) begin(folders_.of(&log));
    if (StreamRun* run = runs_[&log].get()) {
      views_ += run->learn(std::move(*arrival));
      progress_.update(views_);
      end_if_done(log);
    } else {
      server_.answer(*arrival, false, {});  // it is recorded
    }
    return true;
  }

  /// What came over connections of no stream is in no network's summary.
  void tell_of_none() {
    EventServerCounts none = server_.counts();
    for (StreamFolders::Folder* folder : folders_.all()) {
      EventServerCounts own = server_.counts(folder->log);
      for (std::size_t i = 0; i < own.values().size(); ++i) *none.values()[i] -= *own.values()[i];
    }
    if (none.crowded + none.refused + none.silent + none.lost + none.dropped > 0)
      say_served(fmt::format(
          "connections of no stream: {} turned away, {} refused, {} silent, {} lost; {} of their events dropped",
          none.crowded, none.refused, none.silent, none.lost, none.dropped));
  }

  StreamRun& begin(StreamFolders::Folder& folder) {
    CommonFlags own = flags_;
    own.resume = folder.run.folder.folder;
    auto run = std::make_unique<StreamRun>(folder, own, inputs_, server_);
    if (folder.run.checkpoint) run->restore(*folder.run.checkpoint);
    folder.run.checkpoint.reset();
    run->begin(folder.run.folder);
    return *(runs_[&folder.log] = std::move(run));
  }

  void end_if_done(const ArrivalLog& log) {
    std::unique_ptr<StreamRun>& run = runs_[&log];
    if (run->going()) return;
    end(log, *run);
    run.reset();
  }

  void end(const ArrivalLog& log, StreamRun& run) {
    server_.close(log, run.why_ended());
    code_ = std::max(code_, run.end(false));
    ++ended_;
  }

  StreamFolders& folders_;
  const CommonFlags& flags_;
  const std::size_t streams_;  ///< that may come
  const std::shared_ptr<const RunInputs> inputs_;
  const std::vector<StreamFolders::Folder*> known_ = folders_.all();  ///< of earlier sittings
  std::map<const ArrivalLog*, std::unique_ptr<StreamRun>> runs_;      ///< null: ended
  EventServer server_;
  Progress progress_;
  std::size_t ended_ = 0;
  std::uint64_t views_ = 0;  ///< in this sitting
  int code_ = 0;
};

void print(const std::vector<StreamFolders::Folder*>& folders, const fs::path& out, const CommonFlags& flags,
           int code) {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const StreamFolders::Folder* folder : folders) {
    const RunFolder& run = folder->run.folder;
    if (flags.json) {
      all[folder->name] = nlohmann::ordered_json::parse(read_text(run.summary()));
      continue;
    }
    const RunSummary s = read_summary(run.summary());
    fmt::print("{}: {} views in {}, {} updates, loss {}, fingerprint {}{}\n", folder->name, s.events,
               duration_text(s.seconds), s.updates, loss_text(s), s.fingerprint, dropped_text(s));
    if (!s.divergence.empty() || !s.collapse.empty()) fmt::print("  {}{}\n", s.divergence, s.collapse);
  }
  if (flags.json) return fmt::print("{}\n", all.dump(2));
  if (folders.empty())
    fmt::print("no stream has come\n");
  else
    fmt::print("reports: {}\n", (out / "*" / "report.html").string());
  if (code == 130) fmt::print("interrupted; go on with: saccade serve --resume {}\n", out.string());
}

/// The folder of all runs, new or to go on with, and their experiment.
struct Served {
  RunFolder out;
  Experiment experiment;
  CommonFlags flags;
};

Served go_on(const RunRequest& request) {
  Served served{{request.flags.resume, request.files}, {}, request.flags};
  if (!request.experiment.empty() || !request.flags.set.empty() || !request.flags.out.empty())
    throw InputError(
        "serve: --resume DIR goes on with runs as they are; leave out the experiment file, --set and --out");
  const fs::path marker = StreamFolders::marker(served.out.folder);
  served.out.lock = lock_folder(served.out.folder, "--resume");
  served.experiment = parse_experiment(read_text(marker, *request.files), marker.string(), {}, Mode::served);
  served.flags.data = data_folder(request.flags, remembered_data_folder(served.out));
  return served;
}

Served begin(const RunRequest& request) {
  if (request.flags.out.empty())
    throw InputError("serve: where should the runs go? Give --out DIR (or --resume DIR to go on with some)");
  Served served{{request.flags.out, request.files}, {}, request.flags};
  served.experiment = load_experiment(request.experiment, request.flags.set, Mode::served);
  served.flags.data = data_folder(request.flags);
  return served;
}

}  // namespace

bool serves_each(const ServeRequest& request) {
  const CommonFlags& flags = request.run.flags;
  if (flags.resume.empty()) return request.each;
  const bool each = request.run.files->exists(StreamFolders::marker(flags.resume));
  if (request.each && !each)
    throw InputError(fmt::format("--each: {} is not a folder of serve --each, expected {} in it", flags.resume.string(),
                                 StreamFolders::marker("").string()));
  return each;
}

int serve_each(const ServeRequest& request) {
  catch_interrupts();
  if (request.run.flags.page)
    throw InputError(
        "--page: shows one network, expected it without --each (saccade replay --page shows what arrived)");
  const bool resumes = !request.run.flags.resume.empty();
  Served served = resumes ? go_on(request.run) : begin(request.run);
  const Experiment& experiment = served.experiment;
  check_served(experiment);
  const EventServerOptions options = server_options(request, experiment, served.flags);
  const auto inputs = std::make_shared<const RunInputs>(experiment, served.flags);
  // What no network can be made of is refused now, not when the first sender comes.
  EventLearner(*inputs, experiment, learner_options(experiment));
  FileSystem& files = *request.run.files;
  const fs::path out = served.out.folder;
  if (!resumes) {
    for (const std::string& idle : idle_keys(experiment, Mode::served)) tell("warning: {}", idle);
    served.out = create_run_folder(out, files);
    replace_file(served.out.data_folder(),
                 fs::absolute(served.flags.data.empty() ? "." : served.flags.data).string() + "\n", files);
    replace_file(StreamFolders::marker(out), write_experiment(experiment), files);
  }
  served.flags.baselines = out / ".baselines";  // no stream's name
  StreamFolders folders(served.out, experiment);
  const int code = ServedStreams(folders, experiment, served.flags, options, inputs).serve();
  if (request.run.announce) print(folders.all(), out, served.flags, code);
  return code;
}

}  // namespace saccade
