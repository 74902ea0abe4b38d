#include "tools/sweep/study_results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tools/report/csv.h"
#include "tools/run/kept_records.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// A key's value at a point: as the experiment has it, or as given where the key is none of its own (rate, parts of a
/// network); words without quotes.
std::string value_at(const Study& study, const StudyRun& run, const std::string& key) {
  std::string text = experiment_value(run.experiment, key);
  if (text.empty())
    for (const auto* list : {&study.base, &study.points[run.point].assignments})
      for (const Assignment& a : *list)
        if (a.key == key) text = a.value;
  const bool word = text.size() >= 2 && text.front() == '"';
  return word ? text.substr(1, text.size() - 2) : text;
}

/// A number as a field: the shortest text that reads back to the same bits, empty when there is none.
std::string field(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }

const ProbeResult* find(const std::vector<ProbeResult>& list, int layer) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const ProbeResult& one) { return one.layer == layer; });
  return found == list.end() ? nullptr : &*found;
}

double accuracy(const ProbeResult* result) {
  return result ? result->accuracy : std::numeric_limits<double>::quiet_NaN();
}

std::string quoted_if_needed(const std::string& text) {
  return text.find_first_of(",\"\n") == std::string::npos ? text : csv_quoted(text);
}

std::string keys_head(const Study& study) {
  std::string head = "run,point,";
  for (const std::string& key : study.varied) head += key + ",";
  return head + "seed,status,";
}

/// The fields below keys_head().
std::string keys_of(const StudyResults& results, const StudyResult& one) {
  std::string text = one.run.name + "," + quoted_if_needed(results.study.points[one.run.point].name) + ",";
  for (const std::string& value : one.values) text += quoted_if_needed(value) + ",";
  return text + fmt::format("{},{},", one.run.seed, to_string(one.state));
}

/// What every record of metrics.csv tells of the updates; all else is of measure.*.
bool of_updates(const std::string& quantity) {
  constexpr std::array<std::string_view, 10> all{"positive_distance",
                                                 "negative_distance",
                                                 "positive_active",
                                                 "negative_active",
                                                 "positive_score",
                                                 "negative_score",
                                                 "autoencoder_loss",
                                                 "staleness",
                                                 "loss",
                                                 "updates"};
  return std::find(all.begin(), all.end(), quantity) != all.end();
}

RunState end_state(const Experiment& experiment, const RunSummary& s, Mode mode) {
  if (s.diverged) return RunState::diverged;
  // An alarm at the very end, or one that only warned, stopped nothing.
  const bool stopped = !s.collapse.empty() && experiment.measure.on_collapse == Experiment::OnCollapse::stop &&
                       (mode == Mode::event ? s.events : s.updates) < s.length;
  return stopped ? RunState::collapsed : RunState::finished;
}

/// What a study's tables are made of is what the run left, by its newest checkpoint, where it still has one; else
/// InputError.
void check_records(const RunFolder& run, const RunSummary& summary) {
  std::string damaged;
  const std::optional<Checkpoint> newest = load_newest(*run.files, run.folder, damaged);
  if (!newest) return;
  if (const std::string found = fingerprint(*newest);
      damaged.empty() && !summary.diverged && found != summary.fingerprint)
    throw InputError(fmt::format("{}: its fingerprint is {:.40}, that of the newest checkpoint {}",
                                 run.summary().string(), summary.fingerprint, found));
  KeptRecords kept;
  kept.load(*newest);
  kept.check(*run.files, "metrics", run.metrics());
  kept.check(*run.files, "probes", run.probes());
}

/// The columns that all rows of a run share, before and behind those of a layer.
class RunRows {
 public:
  RunRows(const StudyResults& results, const StudyResult& one) : one_(one) {
    const RunSummary& s = one.summary;
    const std::vector<std::string> front{
        results.study.command(), data_name(one.run.experiment.data), fmt::format("{}", one.run.experiment.images),
        one.ended() ? fmt::format("{}", s.events) : "", one.ended() ? fmt::format("{}", s.updates) : ""};
    front_ = keys_of(results, one) + fmt::format("{}", fmt::join(front, ","));
  }

  std::string rows() const {
    const RunSummary& s = one_.summary;
    std::string text;
    if (one_.ended())
      for (const auto& [test, learned, untrained, pixels] :
           {std::tuple{"plain", &s.probe.plain, &s.random_probe.plain, &s.pixels_probe.plain},
            std::tuple{"deformed", &s.probe.deformed, &s.random_probe.deformed, &s.pixels_probe.deformed}})
        for (const ProbeResult& result : *learned)
          text +=
              row(result.layer, test, result, accuracy(find(*untrained, result.layer)), accuracy(find(*pixels, -1)));
    if (text.empty())
      for (const int layer : recorded_layers()) text += row(layer, "", {}, NAN, NAN);
    return text.empty() ? row({}, "", {}, NAN, NAN) : text;
  }

 private:
  static constexpr std::array pair_quantities{"positive_distance", "negative_distance", "positive_active",
                                              "negative_active"};

  /// Those with a number of their own.
  std::set<int> recorded_layers() const {
    std::set<int> layers;
    for (const MetricSeries& series : one_.metrics)
      if (series.layer >= 0 &&
          std::find(pair_quantities.begin(), pair_quantities.end(), series.quantity) != pair_quantities.end())
        layers.insert(series.layer);
    return layers;
  }

  std::string row(std::optional<int> layer, const char* test, const std::optional<ProbeResult>& result,
                  double untrained, double pixels) const {
    const double learned = result ? result->accuracy : NAN;
    std::vector<std::string> fields{
        front_,
        layer ? fmt::format("{}", *layer) : "",
        test,
        field(learned),
        field(untrained),
        std::isfinite(learned - untrained) ? fmt::format("{:.6g}", learned - untrained) : "",
        field(pixels),
        one_.ended() ? field(one_.summary.loss) : ""};
    for (const char* quantity : pair_quantities) {
      const double own = layer ? one_.last(quantity, *layer) : NAN;
      fields.push_back(field(std::isnan(own) ? one_.last(quantity, -1) : own));
    }
    fields.insert(fields.end(), {one_.ended() ? field(one_.summary.memory_floats) : "", one_.summary.fingerprint,
                                 result ? csv_quoted(result->protocol) : "", quoted_if_needed(one_.error)});
    return fmt::format("{}\n", fmt::join(fields, ","));
  }

  const StudyResult& one_;
  std::string front_;
};

}  // namespace

const char* to_string(RunState state) {
  switch (state) {
    case RunState::missing:
      return "missing";
    case RunState::begun:
      return "unfinished";
    case RunState::finished:
      return "finished";
    case RunState::diverged:
      return "diverged";
    case RunState::collapsed:
      return "collapsed";
    case RunState::failed:
      break;
  }
  return "failed";
}

double StudyResult::first(const std::string& quantity, int layer) const {
  for (const MetricSeries& series : metrics)
    if (series.quantity == quantity && series.layer == layer && !series.values.empty() && series.events.front() == 0)
      return series.values.front();
  return std::numeric_limits<double>::quiet_NaN();
}

double StudyResult::last(const std::string& quantity, int layer) const {
  for (const MetricSeries& series : metrics)
    if (series.quantity == quantity && series.layer == layer && !series.values.empty()) return series.values.back();
  return std::numeric_limits<double>::quiet_NaN();
}

std::size_t StudyResults::count(RunState state) const {
  return static_cast<std::size_t>(
      std::count_if(runs.begin(), runs.end(), [&](const StudyResult& one) { return one.state == state; }));
}

std::size_t StudyResults::ended() const {
  return count(RunState::finished) + count(RunState::diverged) + count(RunState::collapsed);
}

StudyResult read_run(const StudyFolder& folder, const Study& study, const StudyRun& run) {
  StudyResult one{.run = run, .state = RunState::missing, .error = {}, .values = {}, .summary = {}, .metrics = {}};
  for (const std::string& key : study.varied) one.values.push_back(value_at(study, run, key));
  const RunFolder files{folder.run(run.name)};
  if (const fs::path failure = folder.failure(run.name); fs::exists(failure)) {
    one.state = RunState::failed;
    std::getline(std::ifstream(failure) >> std::ws, one.error);
  } else if (fs::exists(files.experiment())) {
    try {
      load_experiment(files.experiment(), {}, study.mode);
      one.state = RunState::begun;
      if (!fs::exists(files.summary())) return one;
      RunSummary summary = read_summary(files.summary());
      if (summary.interrupted) return one;
      check_records(files, summary);
      one.metrics = read_metrics(files.metrics());
      one.summary = std::move(summary);
      one.state = end_state(run.experiment, one.summary, study.mode);
      if (one.state == RunState::collapsed) one.error = one.summary.collapse;
    } catch (const std::runtime_error& error) {  // InputError, SystemError
      one.state = RunState::failed;
      one.error = fmt::format("{}; this run is damaged: remove the folder {} and go on with saccade sweep --resume {}",
                              error.what(), files.folder.string(), folder.folder.string());
    }
  }
  return one;
}

StudyResults read_study_results(const StudyFolder& folder, const Study& study) {
  StudyResults results{study, {}, {}};
  const std::vector<StudyRun> runs = study_runs(study);
  for (const StudyRun& run : runs) results.runs.push_back(read_run(folder, study, run));
  results.others = other_runs(folder, runs);
  return results;
}

std::string results_csv(const StudyResults& results) {
  std::string csv =
      keys_head(results.study) +
      "command,data,images,events,updates,layer,test,accuracy,untrained,gain,pixels,loss,positive_distance,"
      "negative_distance,positive_active,negative_active,memory_floats,fingerprint,protocol,error\n";
  for (const StudyResult& one : results.runs) csv += RunRows(results, one).rows();
  return csv;
}

std::string measures_csv(const StudyResults& results) {
  std::string csv = keys_head(results.study) + "layer,quantity,first,last,event\n";
  for (const StudyResult& one : results.runs)
    for (const MetricSeries& series : one.metrics)
      if (!of_updates(series.quantity))
        csv += fmt::format("{}{},{},{},{},{}\n", keys_of(results, one), series.layer, series.quantity,
                           field(one.first(series.quantity, series.layer)), field(series.values.back()),
                           series.events.back());
  return csv;
}

std::string costs_csv(const StudyResults& results) {
  std::string csv = "run,seed,device,threads,seconds,views_per_second,peak_rss_bytes\n";
  for (const StudyResult& one : results.runs)
    if (one.ended())
      csv += fmt::format("{},{},{},{},{},{},{}\n", one.run.name, one.run.seed, quoted_if_needed(one.summary.device),
                         one.summary.threads, one.summary.seconds, one.summary.events_per_second,
                         one.summary.peak_rss_bytes);
  return csv;
}

}  // namespace saccade
