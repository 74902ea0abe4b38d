#include "tools/run/replay.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

#include "engine/error.h"
#include "streams/prefetch.h"
#include "tools/experiment/setup.h"
#include "tools/live/live_page.h"
#include "tools/report/view_sheet.h"
#include "tools/run/event_run.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/together.h"

namespace saccade {
namespace {

class Replay final : public EventRun {
 public:
  Replay(const Experiment& experiment, const CommonFlags& flags)
      : Replay(experiment, flags, std::make_shared<const RunInputs>(experiment, flags), nullptr, 0) {}
  /// One of several that advance together.
  Replay(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs,
         std::shared_ptr<EventLearner> learner, int replica)
      : EventRun(experiment, flags, std::move(inputs), std::move(learner), replica),
        source_(event_stream(experiment, data_)),
        sheet_(first_views(experiment, *source_)) {
    source_->seek(0);
    if (flags.page)
      watch_ = make_live_page(flags, command(), experiment, images_ ? view_source(experiment, data_) : nullptr);
  }

  /// The next view, for all of them: the first one has the stream.
  void lead(const std::vector<EventRun*>& followers) {
    followers_ = followers;
    advance();
  }

 private:
  const char* command() const override { return "replay"; }
  std::uint64_t length() const override { return static_cast<std::uint64_t>(experiment_.events); }
  std::uint64_t views() const override { return length(); }

  void open_source() override {
    if (replica_ > 0) return;
    if (images_)
      stream_ = std::make_unique<RecipeStream>(std::move(source_));
    else
      stream_ = std::make_unique<PrefetchedStream>(std::move(source_), 1);
    if (done() > 0) stream_->seek(done());
  }

  std::optional<ScheduledEvent> next_event() override {
    std::optional<ScheduledEvent> event = stream_->next();
    if (!event) throw std::logic_error("replay: the stream ended before the run");
    return event;
  }

  std::string headline(const RunSummary& s) const override {
    return fmt::format("{} of {} views in {} ({:.0f} views/s), {} updates, loss {}, fingerprint {}", s.events,
                       experiment_.events, duration_text(s.seconds), s.events_per_second, s.updates, loss_text(s),
                       s.fingerprint);
  }

  ViewSheet sheet() const override { return sheet_; }

  std::unique_ptr<RenderableStream> source_;  ///< until open_source() takes it
  ViewSheet sheet_;
  std::unique_ptr<Stream> stream_;
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

namespace {

/// What is there of runs that go on together, or nothing of each.
std::vector<Checkpoint> common_checkpoints(std::vector<OpenedRun>& runs) {
  std::vector<Checkpoint> checkpoints;
  for (OpenedRun& run : runs)
    if (run.checkpoint) checkpoints.push_back(std::move(*run.checkpoint));
  for (const Checkpoint& checkpoint : checkpoints)
    if (checkpoints.size() != runs.size() || checkpoint.event != checkpoints.front().event)
      throw InputError(fmt::format(
          "{} and others: their newest checkpoints are not of the same view, so they cannot go on together; expected "
          "runs that can, or saccade replay --resume for each",
          runs.front().folder.folder.string()));
  return checkpoints;
}

/// Until none has anything left to do.
int run_all(const std::vector<std::unique_ptr<Replay>>& runs, const std::vector<OpenedRun>& opened) {
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i]->begin(opened[i].folder);
  std::vector<Replay*> left;
  for (const auto& run : runs) left.push_back(run.get());
  std::vector<EventRun*> followers;
  int code = 0;
  for (;;) {
    std::erase_if(left, [&](Replay* run) {
      if (run->going()) return false;
      code = std::max(code, run->end(false));
      return true;
    });
    if (left.empty()) return code;
    followers.assign(left.begin(), left.end());
    const auto since = std::chrono::steady_clock::now();
    runs.front()->lead(followers);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
    for (Replay* run : left) run->behind(seconds);
  }
}

}  // namespace

int replay_together(const std::vector<TogetherRun>& asked, const CommonFlags& flags) {
  catch_interrupts();
  std::vector<OpenedRun> opened;
  std::vector<const Experiment*> experiments;
  for (const TogetherRun& run : asked)
    if (std::filesystem::exists(RunFolder{run.folder}.experiment()))
      opened.push_back(open_run("replay", Mode::event, run.folder, real_files()));
    else
      opened.push_back({create_run_folder(run.folder), run.experiment, {}});
  std::vector<CommonFlags> own_flags(asked.size(), flags);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    experiments.push_back(&opened[i].experiment);
    own_flags[i].resume = opened[i].folder.folder;
    if (shared_experiment(*experiments[i]) != shared_experiment(*experiments[0]) || !shared_experiment(*experiments[i]))
      throw InputError(
          fmt::format("{}: this run cannot advance together with {}: they differ in more than what each "
                      "may have of its own",
                      opened[i].folder.folder.string(), opened[0].folder.folder.string()));
  }
  const std::vector<Checkpoint> checkpoints = common_checkpoints(opened);
  const auto inputs = std::make_shared<const RunInputs>(*experiments.front(), flags);
  const auto learner = std::make_shared<EventLearner>(*inputs, *experiments.front(), learner_together(experiments));
  if (!checkpoints.empty()) learner->learner.load(checkpoints);
  std::vector<std::unique_ptr<Replay>> runs;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    runs.push_back(std::make_unique<Replay>(*experiments[i], own_flags[i], inputs, learner, static_cast<int>(i)));
    if (!checkpoints.empty()) runs.back()->restore(checkpoints[i]);
  }
  return run_all(runs, opened);
}

int replay(const RunRequest& request) {
  return begin_or_resume("replay", Mode::event, request, [](const Experiment& experiment, const CommonFlags& flags) {
    if (const std::optional<std::string> why = against_replay(experiment)) throw InputError(*why);
    return std::make_unique<Replay>(experiment, flags);
  });
}

}  // namespace saccade
