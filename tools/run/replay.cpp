#include "tools/run/replay.h"

#include <fmt/format.h>

#include <stdexcept>

#include "engine/error.h"
#include "streams/prefetch.h"
#include "tools/experiment/setup.h"
#include "tools/live/live_page.h"
#include "tools/report/view_sheet.h"
#include "tools/run/event_run.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

class Replay final : public EventRun {
 public:
  Replay(const Experiment& experiment, const CommonFlags& flags)
      : EventRun(experiment, flags),
        source_(event_stream(experiment, data_)),
        sheet_(first_views(experiment, *source_)) {
    source_->seek(0);
    if (flags.page)
      watch_ = make_live_page(flags, command(), experiment, images_ ? view_source(experiment, data_) : nullptr);
  }

 private:
  const char* command() const override { return "replay"; }
  std::uint64_t length() const override { return static_cast<std::uint64_t>(experiment_.events); }
  std::uint64_t views() const override { return length(); }

  void open_source() override {
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
    return fmt::format("{} of {} views in {} ({:.0f} views/s), {} updates, loss {:.4f}, fingerprint {}", s.events,
                       experiment_.events, duration_text(s.seconds), s.events_per_second, s.updates, s.loss,
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

int replay(const RunRequest& request) {
  return begin_or_resume("replay", Mode::event, request, [](const Experiment& experiment, const CommonFlags& flags) {
    if (const std::optional<std::string> why = against_replay(experiment)) throw InputError(*why);
    return std::make_unique<Replay>(experiment, flags);
  });
}

}  // namespace saccade
