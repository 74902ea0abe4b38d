#include "tools/sweep/study_plots.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "tools/sweep/study_tables.h"
#include "tools/temporary_folder.h"
#include "tools/xml.h"

namespace saccade {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

/// Results of a study that nobody ran: run i of point p learned to 0.5 + 0.01 p + 0.002 s from 0.5 + 0.001 s on plain
/// images, s being its seed.
StudyResults results_of(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder.path / "study.toml") << "title = \"T\"\nseeds = [1, 3]\n" << text;
  const Study study = load_study(folder.path / "study.toml");
  StudyResults results = read_study_results({folder.path / "nothing"}, study);
  for (StudyResult& one : results.runs) {
    CHECK(one.state == RunState::missing);
    one.state = RunState::finished;
    const auto seed = static_cast<double>(one.run.seed);
    const double untrained = 0.5 + 0.001 * seed;
    one.summary.probe.plain = {{0, 10, 0.1, "p0"},
                               {1, 10, 0.5 + 0.01 * static_cast<double>(one.run.point) + 0.002 * seed, "of \"it\""}};
    one.summary.random_probe.plain = {{0, 10, 0.2, ""}, {1, 10, untrained, ""}};
    one.summary.pixels_probe.plain = {{-1, 10, 0.25, ""}};
    one.summary.loss = 2;
    one.summary.fingerprint = "abc";
    one.metrics = {{-1, "loss", {10, 20}, {3, 2}}, {1, "positive_distance", {10, 20}, {4, 5}}};
  }
  return results;
}

std::vector<std::string> names_of(const std::vector<StudyPlot>& plots) {
  std::vector<std::string> names;
  for (const StudyPlot& plot : plots) {
    CHECK(xml_fault(plot.svg) == "");
    names.push_back(plot.name);
  }
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("two keys that vary: a heat map of the gain over the same seed's untrained network") {
  const StudyResults results =
      results_of("[grid]\nmemory.window = [0.5, inf]\nnegatives = [1, 2, 4]\nrule = [\"bp\"]\n");
  const auto measures = study_measures(results);
  REQUIRE(measures.size() == 1);  // nothing deformed
  CHECK(measures[0].name == "gain-plain");
  const auto plots = measure_plots(results, measures[0]);
  CHECK(names_of(plots) == Names{"gain-plain-window-negatives"});
  // Point 5, window inf and negatives 4: 5 + 0.1 s points with s = 1 and 3, so 5.2 with a standard deviation of
  // 0.1 sqrt(2).
  CHECK(contains(plots[0].svg, "memory.window inf, negatives 4: +5.20 ± 0.14<"));
  CHECK(contains(plots[0].svg, "memory.window 0.5, negatives 1: +0.20 ± 0.14<"));
  CHECK(count(plots[0].svg, "class=\"cell\"") == 6);
  CHECK(point_label(results, 4) == "window inf, negatives 2, rule bp");
}

TEST_CASE("a map's colours do not make a pattern of noise") {
  StudyResults results = results_of("[grid]\nrule = [\"bp\", \"rf\"]\nnegatives = [1, 2]\n");
  for (StudyResult& one : results.runs)  // seeds 20 points apart, points at most 3
    one.summary.probe.plain.back().accuracy += one.run.seed == 3 ? 0.2 : 0;
  const auto plots = measure_plots(results, study_measures(results)[0]);
  // Means 10.2 to 13.2; four standard deviations are 80 sqrt(0.5) = 57 points: the cells are all near the middle.
  CHECK(count(plots[0].svg, "fill=\"#2") >= 4);
  for (const char* end : {"#440154", "#fde725"}) CHECK(!contains(plots[0].svg, end));
}

TEST_CASE("more keys: a map for each value of those with the fewest, all with one scale") {
  const StudyResults results =
      results_of("[grid]\nrule = [\"bp\", \"rf\"]\nmemory.window = [0.5, 1.0, inf]\nnegatives = [1, 2, 4]\n");
  const auto plots = measure_plots(results, study_measures(results)[0]);
  CHECK(names_of(plots) == Names{"gain-plain-window-negatives-1", "gain-plain-window-negatives-2"});
  CHECK(contains(plots[0].svg, ">rule bp<"));
  CHECK(contains(plots[1].svg, ">rule rf<"));
  // One scale: the lowest of all is in the first map alone, the highest in the second.
  CHECK(contains(plots[0].svg, "#440154"));
  CHECK(!contains(plots[1].svg, "#440154"));
  CHECK(!contains(plots[0].svg, "#fde725"));
  CHECK(contains(plots[1].svg, "#fde725"));
}

TEST_CASE("one key: a curve with every seed; listed points: a row each; drawn ones: over each key") {
  const StudyResults curve = results_of("[grid]\nnegatives = [1, 2, 4]\n");
  const auto plots = measure_plots(curve, study_measures(curve)[0]);
  CHECK(names_of(plots) == Names{"gain-plain-negatives"});
  CHECK(count(plots[0].svg, "<circle") == 3 * (1 + 2));
  CHECK(contains(plots[0].svg, "class=\"line c0\""));

  const StudyResults listed = results_of("[[point]]\nname = \"a <b>\"\n[[point]]\nname = \"c\"\nnegatives = 1\n");
  const auto rows = measure_plots(listed, study_measures(listed)[0]);
  CHECK(names_of(rows) == Names{"gain-plain-points"});
  CHECK(contains(rows[0].svg, "a &lt;b&gt;"));

  const StudyResults drawn = results_of(
      "[random]\ndraws = 8\nrate.conv = {min = 1e-5, max = 1e-1, log = true}\nrule = {choices = [\"bp\", \"rf\"]}\n");
  const auto over = measure_plots(drawn, study_measures(drawn)[0]);
  CHECK(names_of(over) == Names{"gain-plain-over-conv", "gain-plain-over-rule"});
  CHECK(contains(over[0].svg, "log10 of rate.conv"));
  CHECK(count(over[0].svg, "a2.5 2.5") == 2 * 8 * 2);  // two arcs a point
}

TEST_CASE("without a probe the loss is compared; what is not finished is left out") {
  StudyResults results = results_of("[grid]\nnegatives = [1, 2]\n");
  for (StudyResult& one : results.runs) one.summary.probe = {};
  results.runs[0].state = RunState::failed;
  const auto measures = study_measures(results);
  REQUIRE(measures.size() == 1);
  CHECK(measures[0].name == "loss");
  CHECK(std::isnan(point_values(results, 0, measures[0])[0]));
  CHECK(point_values(results, 1, measures[0]) == std::vector<double>{2, 2});
  const auto losses = loss_plots(results);
  CHECK(names_of(losses) == Names{"loss-001", "loss-002"});
  CHECK(loss_layers(results) == std::vector<int>{-1});
}

TEST_CASE("results.csv: a row for every layer and test; what is missing is empty") {
  StudyResults results = results_of("[grid]\nrule = [\"bp\", \"rf\"]\n");
  results.runs[1].state = RunState::failed;
  results.runs[1].error = "a, \"b\"";
  results.runs[1].summary = {};
  results.runs[1].metrics = {};
  const std::string csv = results_csv(results);
  CHECK(contains(csv,
                 "run,point,rule,seed,status,command,data,images,events,updates,layer,test,accuracy,untrained,gain,"));
  CHECK(contains(
      csv, "001-rule-bp-seed-1,rule-bp,bp,1,finished,replay,fashion-mnist,0,0,0,1,plain,0.502,0.501,0.001,0.25,2,5,"));
  CHECK(contains(csv, ",0.25,2,5,,,,0,abc,\"of \"\"it\"\"\",\n"));  // pixels, loss, distances, memory
  CHECK(contains(csv,
                 "001-rule-bp-seed-3,rule-bp,bp,3,failed,replay,fashion-mnist,0,,,,,,,,,,,,,,,,,\"a, \"\"b\"\"\"\n"));
  const std::size_t columns = count(csv.substr(0, csv.find('\n')), ",");
  CHECK(count(csv, "\n") == 1 + 3 * 2 + 1);
  const std::string failed = csv.substr(csv.find("001-rule-bp-seed-3"));
  CHECK(count(failed.substr(0, failed.find("\"a")), ",") == columns);
}

TEST_CASE("one that diverged counts nowhere") {
  StudyResults results = results_of("[grid]\nnegatives = [1, 2]\n");
  results.runs[0].state = RunState::diverged;
  results.runs[0].summary.loss = 1e30;
  results.runs[0].metrics[0].values = {1e30, 1e30};
  const auto gains = point_values(results, 0, study_measures(results)[0]);
  CHECK(std::isnan(gains[0]));
  CHECK(std::isfinite(gains[1]));
  const std::string table = points_table(results);
  CHECK(contains(table, ">1, 1 of 2 diverged</td>"));
  CHECK(!contains(table, "e+"));
  for (const StudyPlot& plot : loss_plots(results)) CHECK(!contains(plot.svg, "e+"));
}

TEST_CASE("the page's table of measures: the top layer before and after, over the seeds") {
  StudyResults results = results_of("[grid]\nnegatives = [1, 2]\n");
  for (StudyResult& one : results.runs)
    for (const int layer : {0, 1}) {
      const double seed = static_cast<double>(one.run.seed), up = layer;
      one.metrics.push_back({layer, "factor_size", {0, 10, 20}, {0.1 * up, 9, 0.5 + 0.1 * up * seed}});
      one.metrics.push_back({layer, "conv_moved", {10, 20}, {1, 2}});
    }
  const std::string table = measures_table(results);
  CHECK(contains(table, "<h2>Measures, layer 1</h2>"));
  CHECK(contains(table, ">factor_size</th>"));
  // Seeds 1 and 3: 0.6 and 0.8.
  CHECK(contains(table, ">0.100 ± 0 → 0.700 ± 0.14</td>"));
  CHECK(!contains(table, "conv_moved"));
  const std::string csv = measures_csv(results);
  CHECK(contains(csv, "001-negatives-1-seed-1,negatives-1,1,1,finished,1,factor_size,0.1,0.6,20\n"));
  CHECK(contains(csv, "001-negatives-1-seed-1,negatives-1,1,1,finished,1,conv_moved,,2,20\n"));
  CHECK(!contains(csv, "loss"));
  CHECK(measures_table(results_of("[grid]\nnegatives = [1, 2]\n")) == "");
}

TEST_CASE("numbers on the page have four digits at most, and are never nan") {
  StudyResults results = results_of("[grid]\nnegatives = [1, 2]\n");
  for (StudyResult& one : results.runs) {
    one.summary.loss = 123456789.125e20;
    one.summary.memory_floats = 131072;
  }
  CHECK(contains(points_table(results), ">1.235e+28 ± 0</td>"));
  CHECK(contains(cost_table(results), ">131.1 k ± 0</td>"));
  results.runs[0].state = results.runs[1].state = RunState::missing;
  for (const std::string& table : {points_table(results), layers_table(results), cost_table(results)})
    CHECK(!contains(table, "nan"));
}

TEST_CASE("a run with one record: its plot's axis goes from 0 to it") {
  StudyResults results = results_of("[grid]\nnegatives = [1, 2]\n");
  for (StudyResult& one : results.runs) one.metrics = {{-1, "loss", {200}, {3}}};
  const auto plots = loss_plots(results);
  REQUIRE(plots.size() == 2);
  CHECK(contains(plots[0].svg, ">200</text>"));
  CHECK(!contains(plots[0].svg, ">400</text>"));
}

}  // namespace saccade
