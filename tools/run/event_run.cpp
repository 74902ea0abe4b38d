#include "tools/run/event_run.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "tools/experiment/setup.h"
#include "tools/run/not_finite.h"

namespace saccade {
namespace {

/// On a GPU events that do the same are one graph: anchors climb as they come, not when their layer is drawn.
LearnerOptions on_device(LearnerOptions options, const Device& device) {
  if (device.name() == "cuda") options.waiting_floats = 0;
  return options;
}

}  // namespace

EventLearner::EventLearner(const RunInputs& inputs, const Experiment& experiment, LearnerOptions options)
    : images(device_images(*inputs.device, experiment, inputs.data)),
      learner(*inputs.device, experiment.network, on_device(std::move(options), *inputs.device)) {
  if (images) learner.look_at(*images);
}

EventRun::EventRun(const Experiment& experiment, const CommonFlags& flags)
    : EventRun(experiment, flags, std::make_shared<const RunInputs>(experiment, flags), nullptr, 0) {}

EventRun::EventRun(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs,
                   std::shared_ptr<EventLearner> learner, int replica)
    : Run(experiment, flags, std::move(inputs)),
      shared_(learner ? std::move(learner)
                      : std::make_shared<EventLearner>(*inputs_, experiment, learner_options(experiment))),
      images_(shared_->images),
      learner_(shared_->learner),
      replica_(replica) {}

const Parameters& EventRun::parameters() const {
  const Parameters& all = learner_.parameters();
  if (all.replicas() == 1) return all;
  if (!own_parameters_)
    own_parameters_.emplace(*device_, all.network(), all.rule(), learner_.heads(), experiment_.seed_of_weights(), 1,
                            all.arithmetic());
  std::vector<Tensor> tensors;
  all.save(tensors, replica_);
  own_parameters_->load(*device_, tensors);
  return *own_parameters_;
}

void EventRun::open(bool resumed) {
  kept_.check(*folder_.files, "trace", folder_.trace());
  if (experiment_.record.events)
    recorder_ = resumed ? std::make_unique<Recorder>(*folder_.files, folder_.trace(), trace_position_)
                        : std::make_unique<Recorder>(*folder_.files, folder_.trace());
  open_source();
}

/// With a row of metrics.csv, but not more often than every 5,000 views: about 1 % of the time that those take (conv5).
bool EventRun::weights_pass() const {
  constexpr std::uint64_t seldom = 5000;
  const auto rows = static_cast<std::uint64_t>(experiment_.record.every);
  return done() % ((seldom + rows - 1) / rows * rows) != 0 ||
         all_finite(std::as_const(learner_).parameters(), replica_);
}

// A run stops behind a view only: there a stream's seek() goes on. Behind a saccade, that saccade would come twice.
void EventRun::advance() {
  std::uint64_t views = waits_for_each() ? 1 : static_cast<std::uint64_t>(device_->ahead());
  for (const EventRun* run : followers_) views = std::min(views, run->until_due());
  sent_.clear();
  while (views-- > 0 && send_view()) {
  }
  learner_.settle();
  std::size_t view = 0;
  for (const ScheduledEvent& event : sent_) {
    for (EventRun* run : followers_) run->follow(event, view);
    view += std::holds_alternative<View>(event.event);
  }
}

/// The next view, with the saccades before it. False when none comes.
bool EventRun::send_view() {
  for (bool view = false; !view;) {
    std::optional<ScheduledEvent> event = next_event();
    if (!event) return false;
    view = std::holds_alternative<View>(event->event);
    queue_.push(std::move(*event));
  }
  while (std::optional<ScheduledEvent> next = queue_.pop()) {
    learner_.send(next->event);
    for (EventRun* run : followers_) run->most_held_ = std::max(run->most_held_, learner_.held_floats(run->replica_));
    sent_.push_back(std::move(*next));
  }
  return true;
}

/// `view`: how many came before the event since the learner was waited for.
void EventRun::follow(const ScheduledEvent& event, std::size_t view) {
  if (const auto* seen = std::get_if<View>(&event.event))
    listen(*seen, learner_.records_of(view, replica_));
  else if (recorder_)
    recorder_->saccade(std::get<Saccade>(event.event));
  learned(event);
}

void EventRun::listen(const View& view, const std::vector<UpdateRecord>& records) {
  time_ = to_seconds(view.time);
  if (recorder_) recorder_->view(view);
  for (const UpdateRecord& update : records) {
    if (recorder_) recorder_->update(update);
    metrics_.add(update);
  }
  if (watch_) watch_->view(view, records, learner_.memory(view.stream).anchors());
  const std::uint64_t seen = records.front().event + 1;
  if (seen % static_cast<std::uint64_t>(experiment_.record.every) == 0 || seen == length())
    metrics_.write(*writer_, seen, time_);
}

void EventRun::save_state(Checkpoint& checkpoint) {
  if (recorder_) recorder_->sync();
  learner_.save(checkpoint, replica_);
  checkpoint.reals.push_back({"record.memory_floats", {most_held_}});
  checkpoint.integers.push_back({"record.trace", {static_cast<std::int64_t>(recorder_ ? recorder_->position() : 0)}});
  if (recorder_) kept_.save(*folder_.files, checkpoint, "trace", folder_.trace(), recorder_->position());
}

void EventRun::load_state(const Checkpoint& checkpoint) {
  if (learner_.replicas() == 1) learner_.load(checkpoint);
  const std::vector<std::int64_t>& position = checkpoint.integer_values("record.trace");
  if (position.size() != 1)
    throw InputError(fmt::format("checkpoint: record.trace has {} values, expected 1", position.size()));
  trace_position_ = static_cast<std::uint64_t>(position.front());
  const std::vector<double>& floats = checkpoint.real_values("record.memory_floats");
  if (floats.size() != 1)
    throw InputError(fmt::format("checkpoint: record.memory_floats has {} values, expected 1", floats.size()));
  most_held_ = floats.front();
}

void EventRun::describe(RunSummary& summary) const {
  summary.events = learner_.events();
  summary.updates = learner_.updates(replica_);
  summary.events_per_second = seconds_ > 0 ? static_cast<double>(learner_.events()) / seconds_ : 0;
  summary.pairs_per_second = summary.events_per_second / views_of_pair(experiment_, false);
  summary.memory_floats = most_held_;
}

void EventRun::close() {
  if (recorder_) recorder_->close();
}

void EventRun::warn() const {
  if (learner_.updates(replica_) == 0 && learner_.events() >= 100)
    say("warning: no view had an active error, so nothing was learned; look at stream.views, memory.window, negatives "
        "and margins");
}

}  // namespace saccade
