#include "tools/compare/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/error.h"
#include "tools/report/csv.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

void add_accuracies(std::vector<ComparedMeasure>& all, const RunSummary& s) {
  for (const auto& [network, results] : {std::pair{"learned", &s.probe},
                                         {"untrained", &s.random_probe},
                                         {"pixels", &s.pixels_probe},
                                         {"classifier", &s.classifier}})
    for (const auto& [test, list] : {std::pair{"plain", &results->plain}, {"deformed", &results->deformed}})
      for (const ProbeResult& one : *list)
        all.push_back(
            {{fmt::format("accuracy_{}_{}", test, network), one.layer < 0 ? std::nullopt : std::optional(one.layer)},
             one.accuracy,
             one.protocol});
}

std::vector<ComparedMeasure> measures_of(const RecordedRun& run) {
  std::vector<ComparedMeasure> all;
  const RunSummary& s = run.summary;
  add_accuracies(all, s);
  for (const MetricSeries& series : run.metrics)  // where the run stands at its end
    if (!series.values.empty())
      all.push_back({{"last_" + series.quantity, series.layer < 0 ? std::nullopt : std::optional(series.layer)},
                     series.values.back()});
  for (const auto& [name, value] : {std::pair{"loss", s.loss},
                                    {"views", static_cast<double>(s.events)},
                                    {"updates", static_cast<double>(s.updates)},
                                    {"seconds", s.seconds},
                                    {"views_per_second", s.events_per_second},
                                    {"pairs_per_second", s.pairs_per_second}})
    all.push_back({{name, {}}, value});
  if (s.peak_rss_bytes > 0) all.push_back({{"peak_rss_bytes", {}}, static_cast<double>(s.peak_rss_bytes)});
  return all;
}

/// The last `parts` names of a path.
std::string end_of(const fs::path& path, std::size_t parts) {
  std::vector<std::string> names;
  for (const fs::path& part : path)
    if (!part.empty() && part != "/") names.push_back(part.string());
  const std::size_t first = names.size() > parts ? names.size() - parts : 0;
  return fmt::format("{}", fmt::join(names.begin() + static_cast<std::ptrdiff_t>(first), names.end(), "/"));
}

void name_runs(std::vector<ComparedRun>& runs, const std::vector<fs::path>& paths) {
  for (std::size_t parts = 1;; ++parts) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < runs.size(); ++i) names.insert(runs[i].name = end_of(paths[i], parts));
    if (names.size() == runs.size()) return;  // the paths differ, so this ends
  }
}

/// A, B, ... Z, A2, B2, ...
std::string letter_of(std::size_t index) {
  return fmt::format("{}{}", static_cast<char>('A' + index % 26),
                     index < 26 ? std::string() : fmt::format("{}", index / 26 + 1));
}

/// "rf, negatives 4": words speak for themselves, numbers and booleans need their key.
std::string setting_text(const DifferingKey& key, std::size_t column) {
  const std::string& value = key.values[column];
  if (value.size() > 2 && value.front() == '"' && value != "\"all\"") return value.substr(1, value.size() - 2);
  const std::string last = key.name.substr(key.name.rfind('.') + 1);
  return last + " " + value;
}

/// By as few of the settings as tell the groups apart, words before numbers; by its first run where that takes more
/// than a few words.
void name_groups(RunComparison& comparison, const std::vector<std::size_t>& firsts) {
  const std::size_t groups = comparison.groups.size();
  std::vector<std::string> names(groups);
  std::size_t told_apart = 1;
  for (const bool words : {true, false})
    for (const DifferingKey& key : comparison.settings) {
      if (told_apart == groups || words != (key.values[0].front() == '"')) continue;
      std::vector<std::string> longer = names;
      for (std::size_t g = 0; g < groups; ++g) longer[g] += (names[g].empty() ? "" : ", ") + setting_text(key, g);
      const std::size_t distinct = std::set<std::string>(longer.begin(), longer.end()).size();
      if (distinct == told_apart) continue;
      told_apart = distinct;
      names = std::move(longer);
    }
  constexpr std::size_t longest = 40;
  for (std::size_t g = 0; g < groups; ++g)
    comparison.groups[g].name =
        names[g].empty() || names[g].size() > longest ? comparison.runs[firsts[g]].name : names[g];
}

/// `settings` come with a value per run and leave with one per group.
void group_runs(RunComparison& comparison) {
  std::map<std::vector<std::string>, std::size_t> known;
  std::vector<std::size_t> firsts;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    std::vector<std::string> values;
    for (const DifferingKey& key : comparison.settings) values.push_back(key.values[i]);
    const auto [found, added] = known.try_emplace(values, comparison.groups.size());
    if (added) {
      comparison.groups.push_back({letter_of(comparison.groups.size()), {}, {}});
      firsts.push_back(i);
    }
    comparison.runs[i].group = found->second;
    comparison.groups[found->second].runs.push_back(i);
  }
  for (DifferingKey& key : comparison.settings) {
    std::vector<std::string> values;
    for (const std::size_t first : firsts) values.push_back(key.values[first]);
    key.values = std::move(values);
  }
  name_groups(comparison, firsts);
}

}  // namespace

double ComparedRun::value(const MeasureName& of) const {
  for (const ComparedMeasure& measure : measures)
    if (measure.of == of) return measure.value;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<MeasureName> RunComparison::measures() const {
  std::vector<MeasureName> names;
  for (const ComparedRun& run : runs)
    for (const ComparedMeasure& measure : run.measures)
      if (std::find(names.begin(), names.end(), measure.of) == names.end()) names.push_back(measure.of);
  return names;
}

Statistic RunComparison::of_group(std::size_t group, const MeasureName& of) const {
  std::vector<double> values;
  for (const std::size_t run : groups[group].runs)
    if (const double value = runs[run].value(of); !std::isnan(value)) values.push_back(value);
  return statistic(values);
}

Statistic RunComparison::gain(std::size_t group, const MeasureName& of, const MeasureName& minus) const {
  std::vector<double> values;
  for (const std::size_t run : groups[group].runs)
    if (const double value = runs[run].value(of) - runs[run].value(minus); !std::isnan(value)) values.push_back(value);
  return statistic(values);
}

Statistic RunComparison::paired(std::size_t group, std::size_t reference, const MeasureName& of) const {
  const auto by_seed = [&](std::size_t g) {
    std::map<std::int64_t, double> values;
    for (const std::size_t run : groups[g].runs)
      if (const double value = runs[run].value(of); !std::isnan(value))
        values.try_emplace(runs[run].run.experiment.seed, value);
    return values;
  };
  const std::map<std::int64_t, double> ours = by_seed(group), others = by_seed(reference);
  std::vector<double> differences;
  for (const auto& [seed, value] : ours)
    if (const auto other = others.find(seed); other != others.end()) differences.push_back(value - other->second);
  return statistic(differences);
}

RunComparison compare_runs(const std::vector<fs::path>& folders) {
  RunComparison comparison;
  std::vector<fs::path> paths;
  for (const fs::path& folder : folders) {
    RecordedRun run = read_run(folder);
    const fs::path path = fs::canonical(folder);
    if (const auto twice = std::find(paths.begin(), paths.end(), path); twice != paths.end())
      throw InputError(fmt::format("{}: this run is given twice; expected every folder once", folder.string()));
    paths.push_back(path);
    std::vector<ComparedMeasure> measures = measures_of(run);
    comparison.runs.push_back({std::move(run), {}, 0, std::move(measures)});
  }
  name_runs(comparison.runs, paths);
  std::vector<const Experiment*> experiments;
  DifferingKey mode{"mode", {}};
  for (const ComparedRun& run : comparison.runs) {
    experiments.push_back(&run.run.experiment);
    mode.values.push_back(run.run.batches() ? "\"batch\"" : "\"event\"");
  }
  comparison.settings = differing_keys(experiments);
  if (std::count(mode.values.begin(), mode.values.end(), mode.values[0]) != std::ssize(mode.values))
    comparison.settings.insert(comparison.settings.begin(), std::move(mode));
  group_runs(comparison);
  return comparison;
}

std::string comparison_csv(const RunComparison& comparison) {
  std::string csv = "run,group,seed,mode,finished,data,layer,measure,value,protocol\n";
  for (const ComparedRun& run : comparison.runs)
    for (const ComparedMeasure& measure : run.measures)
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", csv_quoted(run.name),
                         csv_quoted(comparison.groups[run.group].name), run.run.experiment.seed,
                         run.run.batches() ? "batch" : "event", run.run.finished, run.run.summary.data,
                         measure.of.layer ? fmt::format("{}", *measure.of.layer) : std::string(), measure.of.name,
                         measure.value, csv_quoted(measure.protocol));
  return csv;
}

}  // namespace saccade
