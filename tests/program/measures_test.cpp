#include <doctest/doctest.h>

#include <set>

#include "program/data_folders.h"
#include "program/program.h"
#include "tools/report/metrics_file.h"
#include "tools/report/similarity_file.h"

/// Measures that an experiment asks for: what they leave behind, and that they change nothing.
namespace saccade::program {
namespace {

const Arguments small{"--set",
                      "network.layers=[{channels=5, pool=true, activation=\"tanh\"}, "
                      "{channels=9, stride=2, activation=\"hardtanh\"}]",
                      "--set", "network.embedding=6"};

Arguments with(const Arguments& keys) {
  Arguments all;
  for (const std::string& key : keys) all = all + Arguments{"--set", key};
  return all;
}

/// Positives alone, pulled together whatever their distance.
Arguments collapsing(const fs::path& out, const Arguments& keys) {
  return replay(out, {"images=300", "events=1200", "schedule=e2e", "margins=[0, 1.5]", "rate=5e-3", "measure.every=100",
                      "measure.pairs=32", "checkpoint.every=0"}) +
         small + with(keys);
}

std::set<std::string> quantities(const fs::path& run) {
  std::set<std::string> names;
  for (const MetricSeries& series : read_metrics(run / "metrics.csv")) names.insert(series.quantity);
  return names;
}

}  // namespace

TEST_CASE("collapse: the alarm stops a run of positives alone, and resuming ends with the bits of a run without it") {
  const TemporaryFolder temporary;
  const fs::path free = temporary.path / "free", warned = temporary.path / "warned",
                 stopped = temporary.path / "stopped", healthy = temporary.path / "healthy";
  REQUIRE(run(collapsing(free, {"negatives=0"})).code == 0);
  const auto expected = json_of(free / "summary.json");
  CHECK(!expected.contains("collapse"));

  const Outcome warning = run(collapsing(warned, {"negatives=0", "measure.collapse=0.2", "measure.on_collapse=warn"}));
  CAPTURE(warning.err);
  REQUIRE(warning.code == 0);
  CHECK(warning.err.find("warning: collapse after") != std::string::npos);
  CHECK(json_of(warned / "summary.json")["fingerprint"] == expected["fingerprint"]);
  CHECK(text_of(warned / "metrics.csv") == text_of(free / "metrics.csv"));

  Outcome outcome = run(collapsing(stopped, {"negatives=0", "measure.collapse=0.2", "probe.enabled=true",
                                             "probe.images=50", "probe.epochs=1", "probe.test_images=20"}));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 1);
  CHECK(outcome.err.find("stopped: collapse after") != std::string::npos);
  CHECK(outcome.out.find("--resume " + stopped.string()) != std::string::npos);
  auto summary = json_of(stopped / "summary.json");
  const int first = summary["events"];
  CHECK(first % 100 == 0);
  CHECK(first < 1200);
  CHECK(fs::exists(stopped / ("checkpoint-" + std::to_string(first) + ".ckpt")));
  CHECK(summary["collapse"].get<std::string>().find("variance of the embedding on layer 1") != std::string::npos);
  CHECK(summary["interrupted"] == false);
  CHECK(summary["probe"].empty());  // stopped is stopped
  CHECK(text_of(stopped / "report.html").find("collapse after") != std::string::npos);
  int sittings = 1;
  for (; outcome.code == 1 && sittings < 20; ++sittings) {  // it stops again at every measurement
    outcome = run({"replay", "--quiet", "--resume", stopped.string()});
    CHECK(json_of(stopped / "summary.json")["events"] == first + 100 * sittings);
  }
  CHECK(outcome.code == 0);
  summary = json_of(stopped / "summary.json");
  CHECK(summary["events"] == 1200);
  CHECK(summary["fingerprint"] == expected["fingerprint"]);
  CHECK(!summary["probe"].empty());
  CHECK(text_of(stopped / "metrics.csv") == text_of(free / "metrics.csv"));

  // With negatives there is nothing to hear.
  const Outcome quiet = run(collapsing(healthy, {"negatives=4", "measure.collapse=0.2"}));
  CHECK(quiet.code == 0);
  CHECK(!json_of(healthy / "summary.json").contains("collapse"));
}

TEST_CASE("collapse of dimensions, in batches too") {
  const TemporaryFolder temporary;
  const Outcome outcome =
      run(Arguments{"train", "--quiet", "--out", (temporary.path / "run").string()} + small +
          with({"images=100", "batch=20", "epochs=2", "measure.every=2", "measure.pairs=8", "measure.collapse=5.9",
                "measure.collapse_of=participation-ratio", "probe.enabled=false"}));
  CHECK(outcome.code == 1);  // six units never share their variance so evenly
  CHECK(outcome.err.find("stopped: collapse after 0 steps: the participation ratio") != std::string::npos);
}

TEST_CASE("similarities and neighbours: their files and their places in the report; nothing where not asked for") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", bare = temporary.path / "bare";
  const Arguments keys{"images=300", "events=200", "schedule=rll", "rule=rf", "measure.every=80", "measure.pairs=8"};
  REQUIRE(run(replay(bare, {"images=300", "events=200", "schedule=rll", "rule=rf"}) + small).code == 0);
  const Outcome outcome = run(replay(out, {}) + small +
                              with(keys + Arguments{"measure.knn=3", "measure.images=70", "measure.similarity=images",
                                                    "measure.similarity_images=12", "measure.knn_metric=euclidean"}));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(json_of(out / "summary.json")["fingerprint"] == json_of(bare / "summary.json")["fingerprint"]);
  CHECK(!fs::exists(bare / "similarity.csv"));
  const std::set<std::string> without = quantities(bare), names = quantities(out);
  for (const char* name : {"knn_accuracy", "similarity_within", "similarity_between", "head_feedback_angle",
                           "conv_rule_descent", "embedding_variance", "memory_floats"}) {
    CAPTURE(name);
    CHECK(names.contains(name));
    CHECK(!without.contains(name));
  }
  for (const MetricSeries& series : read_metrics(out / "metrics.csv"))
    if (series.quantity == "memory_floats") {
      // 5 anchors of 16 lanes for each of two heads, once the memory is full.
      CHECK(series.events == std::vector<double>{0, 80, 160, 200});
      CHECK(series.values == std::vector<double>{0, 160, 160, 160});
    }
  const SimilarityMatrices similarity = read_similarity(out / "similarity.csv");
  CHECK(similarity.names.size() == 12);
  CHECK(similarity.names[3].starts_with("3 "));
  REQUIRE(similarity.matrices.size() == 4 * 2);
  CHECK(similarity.matrices.back().event == 200);
  for (const SimilarityMatrix& m : similarity.matrices)
    for (std::size_t i = 0; i < 12; ++i)
      for (std::size_t j = 0; j < 12; ++j) {
        CHECK(m.values[12 * i + j] == m.values[12 * j + i]);
        CHECK(std::fabs(m.values[12 * i + j]) <= 1);
        if (i == j) CHECK(m.values[12 * i + j] == 1);
      }
  const std::string report = text_of(out / "report.html");
  for (const char* text : {"<h2>Similarity</h2>", "layer 1, after 200 events", "Nearest neighbours", "<image "})
    CHECK(report.find(text) != std::string::npos);
  CHECK(text_of(bare / "report.html").find("<h2>Similarity</h2>") == std::string::npos);
  REQUIRE(run({"report", out.string(), "--out", (temporary.path / "again.html").string()}).code == 0);
  CHECK(text_of(temporary.path / "again.html") == report);
}

TEST_CASE("measures that cannot be taken are refused with what is missing") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "none";
  const std::string pixels = (temporary.path / "p.views").string();
  REQUIRE(run({"pack", "--quiet", "--pixels", "--set", "images=20", "--set", "events=20", "--out", pixels}).code == 0);
  for (const auto& [keys, part] : std::vector<std::pair<Arguments, std::string>>{
           {{"measure.knn=5"}, "measure.knn is 5, but measure.every is 0"},
           {{"measure.similarity=classes"}, "measure.every is 0"},
           {{"measure.collapse=0.1"}, "measure.every is 0"},
           {{"measure.every=10", "measure.knn=50", "measure.images=20"}, "measure.images are fewer"},
           {{"measure.every=10", "measure.knn=5", "stream.file=" + pixels}, "no labelled images"},
           {{"measure.every=10", "measure.similarity=objects"}, "\"none\", \"classes\", \"images\""}}) {
    CAPTURE(part);
    const Outcome outcome = run(replay(out) + with(keys));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.err.find(part) != std::string::npos);
    CHECK(!fs::exists(out));
  }
  const Outcome clapp = run(Arguments{"train", "--quiet", "--out", out.string()} +
                            with({"loss=clapp", "measure.every=1", "measure.collapse=0.1"}));
  CHECK(clapp.code == 2);
  CHECK(clapp.err.find("learns no embedding") != std::string::npos);
}

}  // namespace saccade::program
