#include "tools/sweep/study_results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>

#include "tools/report/csv.h"

namespace saccade {
namespace {

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

/// The columns that all rows of a run share, before and behind those of a layer.
class RunRows {
 public:
  RunRows(const StudyResults& results, const StudyResult& one) : one_(one) {
    const RunSummary& s = one.summary;
    std::vector<std::string> front{one.run.name, quoted_if_needed(results.study.points[one.run.point].name)};
    for (const std::string& value : one.values) front.push_back(quoted_if_needed(value));
    front.insert(front.end(), {fmt::format("{}", one.run.seed), to_string(one.state), results.study.command(),
                               data_name(one.run.experiment.data), fmt::format("{}", one.run.experiment.images),
                               one.finished() ? fmt::format("{}", s.events) : "",
                               one.finished() ? fmt::format("{}", s.updates) : ""});
    front_ = fmt::format("{}", fmt::join(front, ","));
  }

  std::string rows() const {
    const RunSummary& s = one_.summary;
    std::string text;
    if (one_.finished())
      for (const auto& [test, learned, untrained, pixels] :
           {std::tuple{"plain", &s.probe.plain, &s.random_probe.plain, &s.pixels_probe.plain},
            std::tuple{"deformed", &s.probe.deformed, &s.random_probe.deformed, &s.pixels_probe.deformed}})
        for (const ProbeResult& result : *learned)
          text +=
              row(result.layer, test, result, accuracy(find(*untrained, result.layer)), accuracy(find(*pixels, -1)));
    return text.empty() ? row({}, "", {}, NAN, NAN) : text;
  }

 private:
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
        one_.finished() ? field(one_.summary.loss) : ""};
    for (const char* quantity : {"positive_distance", "negative_distance", "positive_active", "negative_active"}) {
      const double own = layer ? one_.last(quantity, *layer) : NAN;
      fields.push_back(field(std::isnan(own) ? one_.last(quantity, -1) : own));
    }
    fields.insert(fields.end(), {one_.finished() ? field(one_.summary.memory_floats) : "", one_.summary.fingerprint,
                                 result ? csv_quoted(result->protocol) : "", quoted_if_needed(one_.error)});
    return fmt::format("{}\n", fmt::join(fields, ","));
  }

  const StudyResult& one_;
  std::string front_;
};

}  // namespace

double StudyResult::last(const std::string& quantity, int layer) const {
  for (const MetricSeries& series : metrics)
    if (series.quantity == quantity && series.layer == layer && !series.values.empty()) return series.values.back();
  return std::numeric_limits<double>::quiet_NaN();
}

std::size_t StudyResults::count(RunState state) const {
  return static_cast<std::size_t>(
      std::count_if(runs.begin(), runs.end(), [&](const StudyResult& one) { return one.state == state; }));
}

StudyResults read_study_results(const StudyFolder& folder, const Study& study) {
  StudyResults results{study, {}};
  for (StudyRun& run : study_runs(study)) {
    StudyResult one{
        .run = std::move(run), .state = RunState::missing, .error = {}, .values = {}, .summary = {}, .metrics = {}};
    one.state = run_state(folder, one.run.name);
    if (one.state == RunState::failed) std::getline(std::ifstream(folder.failure(one.run.name)) >> std::ws, one.error);
    for (const std::string& key : study.varied) one.values.push_back(value_at(study, one.run, key));
    if (one.finished()) {
      const RunFolder files{folder.run(one.run.name)};
      one.summary = read_summary(files.summary());
      one.metrics = read_metrics(files.metrics());
    }
    results.runs.push_back(std::move(one));
  }
  return results;
}

std::string results_csv(const StudyResults& results) {
  std::string csv = "run,point,";
  for (const std::string& key : results.study.varied) csv += key + ",";
  csv +=
      "seed,status,command,data,images,events,updates,layer,test,accuracy,untrained,gain,pixels,loss,positive_distance,"
      "negative_distance,positive_active,negative_active,memory_floats,fingerprint,protocol,error\n";
  for (const StudyResult& one : results.runs) csv += RunRows(results, one).rows();
  return csv;
}

std::string costs_csv(const StudyResults& results) {
  std::string csv = "run,seed,device,threads,seconds,views_per_second,peak_rss_bytes\n";
  for (const StudyResult& one : results.runs)
    if (one.finished())
      csv += fmt::format("{},{},{},{},{},{},{}\n", one.run.name, one.run.seed, quoted_if_needed(one.summary.device),
                         one.summary.threads, one.summary.seconds, one.summary.events_per_second,
                         one.summary.peak_rss_bytes);
  return csv;
}

}  // namespace saccade
