#include "tools/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "engine/error.h"
#include "engine/hash.h"
#include "tools/experiment/idle_keys.h"
#include "tools/experiment/setup.h"
#include "tools/measures/make_measures.h"
#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/report/metrics_file.h"
#include "tools/run/baseline_cache.h"
#include "tools/run/interrupt.h"
#include "tools/run/not_finite.h"
#include "tools/run/progress.h"
#include "tools/run/run_report.h"
#include "tools/tell.h"

namespace saccade {
namespace {

using Clock = std::chrono::steady_clock;

Decoding decoding(const CommonFlags& flags) { return {flags.threads, progress_of("reading", "images", flags.quiet)}; }

/// Of the hinge at the widest margins m1 and m2, at most: all negatives at distance 0, and where `positive` a positive
/// that is m2 beyond its margin. 0 for other losses, which have no bound.
double hinge_loss(const Experiment& e, bool positive) {
  if (e.loss != Experiment::Loss::hinge) return 0;
  const auto negatives = static_cast<double>(e.negatives == Experiment::all_negatives ? e.batch : e.negatives);
  double loss = 0;
  for (const Experiment::Margins& m : e.margins) {
    const double margin = m.negative + (positive ? m.positive : 0);
    loss = std::max(loss, margin * (negatives * e.negative_weight + (positive ? 1 : 0)));
  }
  return loss;
}

/// What a network may begin with, and what is left to one that sends the same for every view.
double usual_loss(const Experiment& e) { return hinge_loss(e, true); }
double constant_loss(const Experiment& e) { return hinge_loss(e, false); }

DataSet load_labelled(const Experiment& e, const CommonFlags& flags) {
  return probe_reads_more(e) ? load_probe_data(e, flags.data, decoding(flags)) : DataSet{};
}

std::string hash_of(const std::vector<const DataSet*>& sets) {
  Hash hash;
  for (const DataSet* set : sets)
    for (const ImageSet* images : {&set->train, &set->test, &set->unlabelled, &set->deformed_test}) {
      hash.add(content_hash(*images));
      hash.add_array(images->labels);
    }
  return hash.hex();
}

double seconds_since(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

constexpr const char* data_hash = "record.data_hash";

}  // namespace

RunInputs::RunInputs(const Experiment& experiment, const CommonFlags& flags)
    : data(load_experiment_data(experiment, flags.data, decoding(flags))),
      labelled(load_labelled(experiment, flags)),
      hash(hash_of({&data, &labelled})),
      device(make_device(flags)) {}

Run::Run(const Experiment& experiment, const CommonFlags& flags, std::shared_ptr<const RunInputs> inputs)
    : experiment_(experiment),
      flags_(flags),
      inputs_(inputs ? std::move(inputs) : std::make_shared<const RunInputs>(experiment, flags)),
      data_(inputs_->data),
      device_(inputs_->device.get()),
      metrics_(experiment.network.depth(), usual_loss(experiment)),
      measures_(make_measures(*device_, experiment, data_)) {
  if (experiment.can_probe()) evaluation_.emplace(*device_, experiment, labelled(), flags.quiet);
  if (experiment.measure.representations()) make_measures_of_labels();
  if (experiment.measure.collapse > 0)
    alarm_.emplace(experiment.measure.collapse_of == Experiment::CollapseOf::variance
                       ? CollapseAlarm::Of::variance
                       : CollapseAlarm::Of::participation_ratio,
                   experiment.measure.collapse, measures_->untrained());
}

void Run::make_measures_of_labels() {
  using Matrix = RepresentationOptions::Matrix;
  const Experiment::Measures& m = experiment_.measure;
  RepresentationOptions options;
  options.neighbours = static_cast<int>(m.knn);
  options.metric = m.knn_metric == Experiment::KnnMetric::cosine ? Metric::cosine : Metric::euclidean;
  options.matrix = m.similarity == Experiment::SimilarityOf::none      ? Matrix::none
                   : m.similarity == Experiment::SimilarityOf::classes ? Matrix::classes
                                                                       : Matrix::images;
  options.images = static_cast<int>(m.similarity_images);
  options.factors = m.factors;
  MeasuredImages stored{labelled_views(experiment_, labelled(), Part::train, m.images, false).images, {}};
  MeasuredImages tested{tested_views(experiment_, labelled(), false).images, {}};
  tested.images.count = std::min(tested.images.count, static_cast<std::size_t>(m.images));
  tested.images.labels.resize(tested.images.count);
  if (m.factors) {
    const DataSet& set = labelled();
    const ImageSet& tests = experiment_.probe.test == Experiment::ProbeTest::train ? set.train : set.test;
    stored.factors = set.train.factors.part(0, stored.images.count);
    tested.factors = tests.factors.part(static_cast<std::size_t>(experiment_.probe.test_from), tested.images.count);
  }
  representations_ = std::make_unique<Representations>(*device_, options, std::move(stored), std::move(tested));
}

/// Of the rows and columns of matrices: classes, or numbers and classes of images.
std::vector<std::string> Run::similarity_names() const {
  const ImageSet& set = labelled().train;
  if (experiment_.measure.similarity == Experiment::SimilarityOf::classes) return set.classes;
  std::vector<std::string> names;
  const auto count =
      static_cast<std::size_t>(std::min(experiment_.measure.similarity_images, experiment_.measure.images));
  for (std::size_t i = 0; i < std::min(count, set.size()); ++i)
    names.push_back(fmt::format("{} {}", i, set.classes[static_cast<std::size_t>(set.labels[i])]));
  return names;
}

void Run::restore(const Checkpoint& checkpoint) {
  auto only = [](const auto& values, const char* name) {
    if (values.size() != 1)
      throw InputError(fmt::format("checkpoint: {} has {} values, expected 1", name, values.size()));
    return values.front();
  };
  try {
    if (!is_saved_hash(checkpoint, data_hash, inputs_->hash))
      throw InputError(
          "the images or labels in the folder of the data sets are not those that this run began with; give the right "
          "--data, or begin the run anew");
    kept_.load(checkpoint);
    load_state(checkpoint);
    metrics_.load(checkpoint);
    if (measures_) measures_->load(checkpoint);
    seconds_ = only(checkpoint.real_values("record.seconds"), "record.seconds");
    if (experiment_.measure.similarity != Experiment::SimilarityOf::none)
      similarity_position_ = static_cast<std::uint64_t>(
          only(checkpoint.integer_values("record.similarity_bytes"), "record.similarity_bytes"));
    metrics_position_ =
        static_cast<std::uint64_t>(only(checkpoint.integer_values("record.metrics_bytes"), "record.metrics_bytes"));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", flags_.resume.string(), error.what()));
  }
  const std::string made_with = fmt::format("{}, {} arithmetic", checkpoint.instruction_set, checkpoint.arithmetic);
  const std::string uses =
      fmt::format("{}, {} arithmetic", device_->instruction_set(), to_string(experiment_.arithmetic));
  if (made_with != uses)
    tell(
        "warning: {}: the checkpoint was made with {}, this run uses {}; results may differ in the last "
        "bits",
        flags_.resume.string(), made_with, uses);
  resumed_ = true;
  saved_ = done();
}

void Run::say(const std::string& text) const { tell("{}{}", alone_ ? "" : folder_.folder.string() + ": ", text); }

int Run::run(const RunFolder& folder, bool announce) {
  alone_ = true;
  begin(folder);
  Progress progress(command(), told_length(), unit(), flags_.quiet, done());
  const auto hold = [&] {
    if (watch_ && done() < length()) watch_->wait(interrupted);
  };
  tell_phase("learning");
  hold();
  while (going()) {
    const std::uint64_t before = done();
    const auto since = Clock::now();
    advance();
    const double seconds = seconds_since(since);
    if (done() == before) {
      seconds_ += seconds;
      continue;
    }
    progress.update(done(),
                    metrics_.last_loss() > 0 ? fmt::format("loss {:.3f}", metrics_.last_loss()) : std::string());
    behind(seconds);
    if (going()) hold();
  }
  const int code = end(announce);
  if (watch_) watch_->stay(interrupted);
  return code;
}

void Run::begin(const RunFolder& folder) {
  folder_ = folder;
  if (!resumed_) {
    // The experiment last: where it stands, --resume has all that it needs, even before the first checkpoint.
    replace_file(folder_.data_folder(),
                 std::filesystem::absolute(flags_.data.empty() ? "." : flags_.data).string() + "\n", *folder_.files);
    replace_file(folder_.experiment(), write_experiment(experiment_), *folder_.files);
  }
  FileSystem& files = *folder_.files;
  kept_.check(files, "metrics", folder_.metrics());
  kept_.check(files, "similarity", folder_.similarity());
  kept_.check(files, "probes", folder_.probes());
  open(resumed_);
  writer_ = std::make_unique<MetricsWriter>(folder_.metrics(), metrics_header(),
                                            resumed_ ? std::optional(metrics_position_) : std::nullopt, *folder_.files);
  if (experiment_.measure.similarity != Experiment::SimilarityOf::none)
    similarity_ = std::make_unique<SimilarityWriter>(folder_.similarity(), similarity_names(),
                                                     resumed_ ? std::optional(similarity_position_) : std::nullopt,
                                                     *folder_.files);
  probes_ =
      std::make_unique<ProbeLog>(folder_.probes(), resumed_ ? std::optional(done()) : std::nullopt, *folder_.files);
  if (!resumed_) {
    folder_.files->sync_directory(folder_.folder);  // a checkpoint must not outlive the files that it counts on
    save();
  }
  baselines();
  if (measure_due()) measure();
  // A run that was interrupted in the middle of a probe stands right behind the unit that asked for it.
  if (resumed_ && done() > 0 && done() < length() && due(experiment_.probe.every) && probing() &&
      !probes_->has("learned", done()))
    probe();
}

bool Run::going() const {
  return done() < length() && !(interrupted() && may_stop()) && !stopped_by_collapse() && !metrics_.diverged() &&
         !diverged();
}

template <class F>
void Run::timed(F f) {
  const auto since = Clock::now();
  f();
  seconds_ += seconds_since(since);
}

void Run::behind(double seconds) {
  seconds_ += seconds;
  if (metrics_.diverged()) return;
  listen_for_growth();
  timed([&] {
    if (!weights_pass()) save();  // which says why not
  });
  if (diverged()) return;
  if (measure_due()) measure();
  if (due(experiment_.probe.every) && done() < length() && probing()) probe();
  if (due(experiment_.checkpoint.every) && done() < length()) timed([&] { save(); });
}

int Run::end(bool announce) {
  if (!diverged()) save();
  if (!interrupted() && !stopped_by_collapse() && !diverged() && probing() && !probes_->has("learned", done())) probe();
  return finish(announce);
}

void Run::tell_phase(const char* what) {
  if (watch_) watch_->phase(what);
}

void Run::tell_probes() {
  if (!watch_) return;
  const ProbeResults untrained = probes_->latest("untrained"), pixels = probes_->latest("pixels");
  watch_->probed(0, {}, untrained, pixels);
  for (const std::uint64_t event : probes_->events("learned"))
    watch_->probed(event, probes_->at("learned", event), untrained, pixels);
}

/// The untrained network and raw pixels: once per run, before the first event; a resumed run finds them in probes.csv,
/// a run of a study where others left them.
void Run::baselines() {
  if (!probing()) return;
  tell_phase("measuring the untrained network and raw pixels");
  const BaselineCache shared(flags_.baselines, experiment_, *device_);
  auto add = [&](const char* name, auto&& measure) {
    if (interrupted() || probes_->has(name)) return;
    if (const std::optional<ProbeResults> known = shared.find(name)) return probes_->add(0, name, *known);
    const Parameters untrained(*device_, experiment_.network, make_rule("bp"), Heads::top_only,
                               experiment_.seed_of_weights(), 1, experiment_.arithmetic);
    const ProbeResults results = measure(untrained);
    if (interrupted()) return;
    probes_->add(0, name, results);
    shared.add(name, results);
  };
  if (experiment_.probe.untrained)
    add("untrained", [&](const Parameters& p) { return evaluation_->layers(p, "untrained network"); });
  if (experiment_.probe.pixels) add("pixels", [&](const Parameters& p) { return evaluation_->pixels(p); });
  tell_probes();
}

bool Run::due(std::int64_t every) const { return every > 0 && done() % static_cast<std::uint64_t>(every) == 0; }

std::uint64_t Run::until_due() const {
  std::uint64_t units = length() - done();
  const auto stop_at = [&](bool wanted, std::int64_t every) {
    if (!wanted || every <= 0) return;
    const auto stretch = static_cast<std::uint64_t>(every);
    units = std::min(units, stretch - done() % stretch);
  };
  stop_at(probing(), experiment_.probe.every);
  stop_at(true, experiment_.checkpoint.every);
  stop_at(true, experiment_.record.every);  // weights are looked at with rows of metrics.csv
  stop_at(measures_ != nullptr, experiment_.measure.every);
  return units;
}

bool Run::measure_due() const {
  return measures_ && measures_->latest() != done() &&
         (done() == 0 || done() == length() || due(experiment_.measure.every));
}

void Run::measure() {
  std::vector<Measure> all = measures_->measure(done(), parameters());
  if (representations_) {
    const std::vector<Measure> more = representations_->measure(parameters());
    all.insert(all.end(), more.begin(), more.end());
    for (std::size_t layer = 0; layer < representations_->matrices().size(); ++layer)
      similarity_->add(done(), static_cast<int>(layer), representations_->matrices()[layer].values);
  }
  if (const std::optional<double> floats = held_floats()) all.push_back({-1, "memory_floats", *floats});
  for (const Measure& m : all) writer_->add(done(), time(), m.layer, m.quantity, m.value);
  listen_for_collapse(all);
}

void Run::listen_for_collapse(const std::vector<Measure>& measured) {
  if (!alarm_ || !collapse_.empty()) return;
  const std::optional<std::string> heard = alarm_->heard(measured);
  if (!heard) return;
  collapse_ = fmt::format("collapse after {} {}: {}", done(), unit(), *heard);
  say(fmt::format("{}: {} (measure.collapse, measure.on_collapse)", stopped_by_collapse() ? "stopped" : "warning",
                  collapse_));
}

void Run::probe() {
  tell_phase("probing the learned network");
  const ProbeResults results = evaluation_->layers(parameters(), "learned network");
  if (interrupted()) return;
  extra_probes();
  if (interrupted()) return;
  probes_->add(done(), "learned", results);
  tell_probes();
  tell_phase("learning");
}

void Run::save() {
  Checkpoint checkpoint;
  checkpoint.experiment = write_experiment(experiment_);
  save_state(checkpoint);
  fingerprint_ = fingerprint(checkpoint);
  if (!finite(checkpoint)) return;
  writer_->sync();
  if (similarity_) similarity_->sync();
  metrics_.save(checkpoint);
  if (measures_) measures_->save(checkpoint);
  checkpoint.reals.push_back({"record.seconds", {seconds_}});
  checkpoint.integers.push_back({std::string("record.") + command(), {1}});
  checkpoint.integers.push_back({"record.metrics_bytes", {static_cast<std::int64_t>(writer_->bytes())}});
  if (similarity_)
    checkpoint.integers.push_back({"record.similarity_bytes", {static_cast<std::int64_t>(similarity_->bytes())}});
  save_hash(checkpoint, data_hash, inputs_->hash);
  FileSystem& files = *folder_.files;
  kept_.save(files, checkpoint, "metrics", folder_.metrics(), writer_->bytes());
  if (similarity_) kept_.save(files, checkpoint, "similarity", folder_.similarity(), similarity_->bytes());
  kept_.save_anew(files, checkpoint, "probes", folder_.probes());
  save_generation(*folder_.files, folder_.folder, checkpoint);
  saved_ = done();
}

/// Numbers that are not finite spread and never come back: the state is not worth keeping, and must not push out one
/// that is.
bool Run::finite(const Checkpoint& state) {
  std::string found = metrics_.not_finite();
  if (const std::string held = not_finite(state); !held.empty()) found += (found.empty() ? "" : "; ") + held;
  if (found.empty() && !metrics_.diverged()) return true;
  divergence_ =
      fmt::format("diverged after {} {}: {}", done(), unit(), found.empty() ? "a number was not finite before" : found);
  say(
      fmt::format("stopped: {}; the checkpoint after {} {} is the last good one. Try smaller rates in a new run "
                  "(rate.conv, rate.head; saccade calibrate finds some)",
                  divergence_, saved_, unit()));
  metrics_.write(*writer_, done(), time());
  writer_->sync();
  if (similarity_) similarity_->sync();
  return false;
}

/// Said once.
void Run::listen_for_growth() {
  if (metrics_.growth().empty() || !growth_.empty()) return;
  growth_ = fmt::format("diverging after {} {}: {}", done(), unit(), metrics_.growth());
  say(fmt::format("warning: {}; try smaller rates", growth_));
}

/// At the end: whether to do nothing would be better. Rates that saturate a network at once, which then has no
/// derivatives to learn by, show in nothing else.
void Run::look_back() {
  const double constant = constant_loss(experiment_), loss = metrics_.last_loss();
  if (!complete() || !growth_.empty() || diverged() || constant == 0 || !(loss > 2 * constant)) return;
  growth_ = fmt::format(
      "after {} {} the loss, {:.4g}, is more than twice what a network that sends the same for every view has at most, "
      "{:.4g}",
      done(), unit(), loss, constant);
  say(fmt::format("warning: {}; try smaller rates, or margins that fit (saccade calibrate finds some)", growth_));
}

int Run::finish(bool announce) {
  close();
  look_back();
  RunSummary summary;
  summary.command = command();
  summary.seed = experiment_.seed;
  summary.device = device_->name();
  summary.instruction_set = device_->instruction_set();
  summary.arithmetic = to_string(experiment_.arithmetic);
  summary.threads = device_->threads();
  summary.data = data_name(experiment_.data);
  summary.stream = std::filesystem::path(experiment_.stream.file).filename().string();
  summary.stream_hash = experiment_.stream.hash;
  summary.seconds = seconds_;
  summary.peak_rss_bytes = peak_rss_bytes();
  summary.fingerprint = fingerprint_;
  summary.probe = probes_->latest("learned");
  summary.random_probe = probes_->latest("untrained");
  summary.pixels_probe = probes_->latest("pixels");
  summary.classifier = probes_->latest("classifier");
  summary.loss = metrics_.last_loss();
  summary.interrupted = interrupted() && !complete() && !diverged();
  summary.diverged = diverged();
  summary.divergence = diverged() ? divergence_ : growth_;
  summary.collapse = collapse_;
  summary.length = told_length();
  describe(summary);
  const std::string json = summary_json(summary);
  replace_file(folder_.report(), report_html(run_report(experiment_, summary, folder_, sheet())), *folder_.files);
  replace_file(folder_.summary(), json, *folder_.files);  // last: what has it is finished, and is not gone on with
  if (watch_) watch_->ended(summary);
  if (announce) {
    if (flags_.json)
      fmt::print("{}", json);
    else
      print(summary);
  }
  warn();
  return summary.interrupted ? 130 : stopped_by_collapse() || diverged() ? 1 : 0;
}

/// A signal behind the last thing to do interrupts nothing.
bool Run::complete() const { return done() == length() && (!probing() || probes_->has("learned", length())); }

void Run::print(const RunSummary& s) const {
  fmt::print("{}\n", headline(s));
  print_accuracies(s);
  if (!experiment_.can_probe())
    fmt::print("no probe: a recorded stream of pixels has no labelled images (probe.data names a data set)\n");
  else if (!probing())
    fmt::print("no probe was asked for (probe.enabled; \"auto\" probes runs over 5,000 views)\n");
  fmt::print("report: {}\n", folder_.report().string());
  for (const std::string& found : {s.divergence, s.collapse})
    if (!found.empty()) fmt::print("{}\n", found);
  if (s.interrupted || (stopped_by_collapse() && !s.diverged))
    fmt::print("{}; go on with: saccade {} --resume {}\n", s.interrupted ? "interrupted" : "stopped", command(),
               folder_.folder.string());
}

OpenedRun open_run(const char* command, Mode mode, const std::filesystem::path& path, FileSystem& files) {
  const RunFolder folder = open_run_folder(path, files);
  std::string warning;
  std::optional<Checkpoint> checkpoint = load_newest(files, folder.folder, warning);
  if (!checkpoint) {
    // A run that was ended before its first checkpoint begins again; one that has lost its checkpoints must not be
    // overwritten.
    if (!warning.empty() || files.exists(folder.summary()))
      throw InputError(fmt::format("{}: there is no usable checkpoint in this folder{}{}", folder.folder.string(),
                                   warning.empty() ? "" : ": ", warning));
    Experiment experiment =
        parse_experiment(read_text(folder.experiment(), files), folder.experiment().string(), {}, mode);
    return {folder, std::move(experiment), {}};
  }
  if (!warning.empty()) tell("warning: {}", warning);
  // A checkpoint of another run, or an experiment file that was edited, would leave a folder whose files contradict
  // each other.
  if (read_text(folder.experiment(), files) != checkpoint->experiment)
    throw InputError(fmt::format(
        "{}: experiment.toml is not the experiment that the checkpoint was made with; put the right one back, "
        "or start a new run of it with --out",
        folder.folder.string()));
  if (const std::string maker = maker_of(*checkpoint); maker != command)
    throw InputError(
        fmt::format("{0}: this run was not made by saccade {1}; {2}", folder.folder.string(), command,
                    maker.empty() ? "its checkpoint does not say by which command"
                                  : fmt::format("go on with: saccade {} --resume {}", maker, folder.folder.string())));
  Experiment experiment = parse_experiment(checkpoint->experiment, "checkpoint in " + folder.folder.string(), {}, mode);
  return {folder, std::move(experiment), std::move(checkpoint)};
}

int begin_or_resume(const char* command, Mode mode, const RunRequest& request, const MakeRun& make) {
  catch_interrupts();
  const CommonFlags& flags = request.flags;
  FileSystem& files = *request.files;
  if (flags.resume.empty()) {
    if (flags.out.empty())
      throw InputError(
          fmt::format("{}: where should the run go? Give --out DIR (or --resume DIR to go on with one)", command));
    const Experiment experiment = load_experiment(request.experiment, flags.set, mode);
    CommonFlags fresh = flags;
    fresh.data = data_folder(flags);
    const std::unique_ptr<Run> run = make(experiment, fresh);
    for (const std::string& idle : idle_keys(experiment, mode)) tell("warning: {}", idle);
    return run->run(create_run_folder(flags.out, files), request.announce);
  }
  if (!request.experiment.empty() || !flags.set.empty() || !flags.out.empty())
    throw InputError(fmt::format(
        "{}: --resume DIR goes on with a run as it is; leave out the experiment file, --set, --stream and --out",
        command));
  const OpenedRun opened = open_run(command, mode, flags.resume, files);
  CommonFlags resumed = flags;
  resumed.data = data_folder(flags, remembered_data_folder(opened.folder));
  const std::unique_ptr<Run> run = make(opened.experiment, resumed);
  if (opened.checkpoint)
    run->restore(*opened.checkpoint);
  else
    tell("warning: {}: no checkpoint yet, the run begins at its first event", opened.folder.folder.string());
  return run->run(opened.folder, request.announce);
}

}  // namespace saccade
