#include "tools/run/train.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "streams/pair_batches.h"
#include "streams/patches.h"
#include "tools/experiment/setup.h"
#include "tools/report/metrics_file.h"
#include "tools/report/view_sheet.h"
#include "tools/run/not_finite.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

/// One unit of work is one step: a batch of pairs.
class Train final : public Run {
 public:
  Train(const Experiment& experiment, const CommonFlags& flags)
      : Run(experiment, flags),
        batches_(view_source(experiment, data_),
                 {static_cast<std::uint64_t>(experiment.seed), static_cast<int>(experiment.batch), device_->threads()}),
        images_(device_images(*device_, experiment, data_)),
        learner_(*device_, learned_network(experiment), batch_options(experiment, steps())) {
    if (learns_from_patches(experiment))
      whole_ = std::make_unique<Parameters>(*device_, experiment.network, make_rule("bp"), Heads::top_only,
                                            experiment.seed_of_weights(), 1, experiment.arithmetic);
  }

 private:
  const char* command() const override { return "train"; }
  const char* unit() const override { return "steps"; }
  std::uint64_t done() const override { return learner_.steps(); }
  std::uint64_t length() const override { return pretrain() + steps(); }
  std::uint64_t pretrain() const { return static_cast<std::uint64_t>(experiment_.dtp.pretrain); }
  /// In layer-wise schedules every layer gets its share of `epochs` (method.md, section 7).
  std::uint64_t steps() const {
    const auto epochs = static_cast<std::uint64_t>(experiment_.epochs);
    const bool end_to_end_run = experiment_.schedule == Experiment::Schedule::e2e;
    return batches_.per_epoch() * epochs *
           (end_to_end_run ? 1 : static_cast<std::uint64_t>(experiment_.network.depth()));
  }
  std::uint64_t views() const override { return length() * static_cast<std::uint64_t>(2 * experiment_.batch); }
  double time() const override { return epochs(); }
  /// A probe reads whole views where the learner sees patches of them.
  const Parameters& parameters() const override {
    if (!whole_) return learner_.parameters();
    copy_convolutions(*device_, learner_.parameters(), *whole_);
    return *whole_;
  }
  bool weights_pass() const override {
    return done() % batches_.per_epoch() != 0 || all_finite(learner_.parameters(), 0);
  }
  const char* metrics_header() const override { return batch_metrics_header; }
  bool supervised() const { return experiment_.loss == Experiment::Loss::supervised; }
  bool pairs() const { return learns_from_pairs(experiment_); }  ///< else one view of each image
  /// Steps behind pretraining, which sees the first batches ahead of time.
  std::uint64_t trained() const { return done() < pretrain() ? 0 : done() - pretrain(); }
  double epochs() const { return static_cast<double>(trained()) / static_cast<double>(batches_.per_epoch()); }

  void open(bool) override {}

  void advance() override {
    const int layer = learner_.layer(done());
    const bool pretraining = done() < pretrain();
    const std::uint64_t batch = pretraining ? done() : trained();
    if (images_) {
      batches_.draw(batch, pairs(), recipes_a_, recipes_b_, labels_);
      learner_.step({recipes_a_, *images_}, {recipes_b_, *images_}, labels_);
    } else {
      batches_.render(batch, pairs(), a_, b_, labels_);
      if (whole_) cut();
      learner_.step(a_, whole_ ? patches_ : b_, labels_);
    }
    if (pretraining) return;
    metrics_.add(layer, learner_.last());
    if (trained() % batches_.per_epoch() != 0) return;
    metrics_.write(*writer_, done(), epochs());
    const std::vector<double> autoencoders = learner_.autoencoder_losses();
    for (std::size_t i = 0; i < autoencoders.size(); ++i) {
      metrics_.check(static_cast<int>(i), "autoencoder_loss", autoencoders[i]);
      writer_->add(done(), epochs(), static_cast<int>(i), "autoencoder_loss", autoencoders[i]);
    }
  }

  void cut() {
    const NetworkSpec& network = experiment_.network;
    const ViewShape view{network.height, network.width, network.channels};
    const PatchGrid grid;
    const auto images = static_cast<std::size_t>(experiment_.batch);
    patches_.resize(images * grid.values(view));
    for (std::size_t i = 0; i < images; ++i)
      cut_patches(b_.data() + i * view.values(), view, grid, patches_.data() + i * grid.values(view));
  }

  void save_state(Checkpoint& checkpoint) override { learner_.save(checkpoint); }
  void load_state(const Checkpoint& checkpoint) override { learner_.load(checkpoint); }

  void extra_probes() override {
    if (supervised()) probes_->add(done(), "classifier", evaluation_->classifier(parameters(), learner_.bias()));
  }

  void describe(RunSummary& summary) const override {
    const double views_a_pair = views_of_pair(experiment_, true);
    summary.epochs = epochs();
    summary.updates = learner_.steps();
    summary.events =
        static_cast<std::uint64_t>(views_a_pair) * learner_.steps() * static_cast<std::uint64_t>(experiment_.batch);
    summary.events_per_second = seconds_ > 0 ? static_cast<double>(summary.events) / seconds_ : 0;
    summary.pairs_per_second = summary.events_per_second / views_a_pair;
  }

  std::string headline(const RunSummary& s) const override {
    if (trained() == 0)
      return fmt::format("0 of {} steps: nothing was learned, fingerprint {}", length(), s.fingerprint);
    const bool drawn = experiment_.schedule == Experiment::Schedule::rll;
    return fmt::format("{} of {} steps, {:.4g} epochs, in {} ({:.0f} pairs/s), loss {} per pair{}, fingerprint {}",
                       s.updates, length(), s.epochs, duration_text(s.seconds), s.pairs_per_second, loss_text(s),
                       drawn ? " (mean over the layers drawn in the last epoch)" : "", s.fingerprint);
  }

  ViewSheet sheet() const override { return first_pairs(experiment_, data_); }

  PairBatches batches_;
  std::unique_ptr<DeviceImages> images_;  ///< null where the batches come rendered
  BatchLearner learner_;
  std::unique_ptr<Parameters> whole_;  ///< null unless the learner sees patches
  std::vector<float> a_, b_, patches_;
  std::vector<ViewRecipe> recipes_a_, recipes_b_;
  std::vector<std::int32_t> labels_;
};

}  // namespace

void check_train(const Experiment& e) {
  if (e.stream.recorded())
    throw InputError(
        fmt::format("stream.file = {}: a recorded stream belongs to saccade replay; batches are drawn from "
                    "a data set",
                    e.stream.file));
  if (e.stream.arrives)
    throw InputError("stream.arrives is true: views that come over the network belong to saccade serve");
  if (e.schedule == Experiment::Schedule::pll)
    throw InputError(
        "schedule = \"pll\": layers that learn in parallel belong to saccade replay; expected rll, gll or e2e");
  if (e.activity != Experiment::Activity::hebb)
    throw InputError(
        "activity = \"covariance\": running averages of activity belong to saccade replay; expected \"hebb\"");
  if (e.error != Experiment::ErrorUnit::hinge)
    throw InputError("error = \"circuit\": the circuit of units belongs to saccade replay; expected \"hinge\"");
  if (e.memory.trace != Experiment::Trace::window || e.memory.noise != 0)
    throw InputError(
        fmt::format("memory.trace = {}, memory.noise = {}: in a batch nothing is remembered; traces belong to saccade "
                    "replay; expected \"window\" and 0",
                    experiment_value(e, "memory.trace"), e.memory.noise));
  if (e.rate.final != 1)
    throw InputError(
        fmt::format("rate.final = {}: rates that fall belong to saccade replay; expected 1", e.rate.final));
  const bool compares = e.loss == Experiment::Loss::hinge || e.loss == Experiment::Loss::clapp;
  if (compares && !learns_from_patches(e) && e.negatives >= e.batch)
    throw InputError(fmt::format(
        "negatives = {}: in a batch of {} pairs at most {} follow another; expected fewer, a larger batch, or \"all\"",
        e.negatives, e.batch, e.batch - 1));
  if (e.loss == Experiment::Loss::simclr && e.batch < 2)
    throw InputError("batch = 1: simclr compares a pair with the others of its batch; expected at least 2");
}

int train(const RunRequest& request) {
  return begin_or_resume("train", Mode::batch, request, [](const Experiment& experiment, const CommonFlags& flags) {
    check_train(experiment);
    return std::make_unique<Train>(experiment, flags);
  });
}

}  // namespace saccade
