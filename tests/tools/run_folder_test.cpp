#include "tools/run/run_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/error.h"
#include "tools/replace_file.h"
#include "tools/report/report.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a run folder may be new or empty, nothing else") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "a" / "b";
  CHECK(create_run_folder(out).summary() == out / "summary.json");
  CHECK(fs::is_empty(out));  // the check for writing leaves nothing behind
  CHECK_NOTHROW(create_run_folder(out));
  std::ofstream(out / "note") << "mine";
  CHECK_THROWS_AS(create_run_folder(out), InputError);
  CHECK_THROWS_AS(create_run_folder(out / "note"), InputError);
  CHECK_THROWS_AS(create_run_folder(out / "note" / "below"), InputError);
  CHECK_THROWS_AS(create_run_folder(""), InputError);
  CHECK(text_of(out / "note") == "mine");
  // Not even the superuser can write here.
  CHECK_THROWS_AS(create_run_folder("/proc/saccade"), InputError);
  CHECK_THROWS_AS(create_run_folder("/proc/self"), InputError);
}

TEST_CASE("a run to go on with must be one") {
  const TemporaryFolder temporary;
  CHECK_THROWS_AS(open_run_folder(temporary.path), InputError);
  CHECK_THROWS_AS(open_run_folder(temporary.path / "missing"), InputError);
  std::ofstream(temporary.path / "experiment.toml") << "";
  CHECK(open_run_folder(temporary.path).metrics() == temporary.path / "metrics.csv");
}

TEST_CASE("a file is replaced as a whole or not at all") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "f";
  replace_file(file, "old and long");
  replace_file(file, "new");
  CHECK(text_of(file) == "new");
  CHECK(std::distance(fs::directory_iterator(temporary.path), {}) == 1);
  fs::create_directory(temporary.path / "folder");
  CHECK_THROWS_AS(replace_file(temporary.path / "folder", "x"), InputError);
  CHECK(std::distance(fs::directory_iterator(temporary.path), {}) == 2);
}

TEST_CASE("the summary has the promised keys; what is not finite is null") {
  RunSummary summary;
  summary.command = "saccade replay \"\xff\"";
  summary.loss = std::numeric_limits<double>::quiet_NaN();
  summary.probe.plain = {{0, 6272, 0.875, "protocol"}};
  const auto json = nlohmann::json::parse(summary_json(summary));
  for (const char* key :
       {"command", "seed", "device", "threads", "data", "events", "updates", "seconds", "events_per_second",
        "pairs_per_second", "peak_rss_bytes", "fingerprint", "probe", "random_probe", "loss"})
    CHECK(json.contains(key));
  CHECK(json["loss"].is_null());
  CHECK(json["probe"][0]["accuracy"] == 0.875);
  CHECK(json["probe"][0]["features"] == 6272);
  CHECK(json["random_probe"].empty());
  CHECK(peak_rss_bytes() > 1'000'000);
}

TEST_CASE("the summary reads back; one of an older program lacks keys") {
  RunSummary summary;
  summary.command = "replay";
  summary.seed = 7;
  summary.threads = 3;
  summary.events = std::numeric_limits<std::uint64_t>::max();
  summary.seconds = 0.1 + 0.2;
  summary.loss = std::numeric_limits<double>::infinity();
  summary.length = 12;
  summary.memory_floats = 320;
  summary.interrupted = summary.diverged = true;
  summary.fingerprint = "0123";
  summary.probe.plain = {{0, 6272, 1.0 / 3, "protocol, \"quoted\""}, {1, 10, 0.5, ""}};
  summary.pixels_probe.deformed = {{-1, 784, 0.25, "p"}};
  summary.classifier.plain = {{1, 10, 1, "c"}};
  const TemporaryFolder temporary;
  const std::filesystem::path file = temporary.path / "summary.json";
  std::ofstream(file) << summary_json(summary);
  const RunSummary read = read_summary(file);
  CHECK(std::isnan(read.loss));
  CHECK(summary_json(read) == summary_json(summary));
  std::ofstream(file) << "{\"command\": \"train\"}";
  CHECK(read_summary(file).command == "train");
  CHECK(read_summary(file).memory_floats == 0);
  for (const char* bad : {"", "[]", "{", "{\"seed\": 1.5}", "{\"events\": -1}", "{\"threads\": \"2\"}",
                          "{\"diverged\": 1}", "{\"probe\": {}}", "{\"probe\": [1]}", "{\"command\": 3}",
                          "{\"probe\": [{\"layer\": \"0\"}]}", "{\"command\": \"\xff\"}"}) {
    CAPTURE(bad);
    std::ofstream(file) << bad;
    CHECK_THROWS_AS(read_summary(file), InputError);
  }
}

TEST_CASE("metrics can be cut back to a checkpoint and go on") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "metrics.csv";
  std::uint64_t position = 0;
  {
    MetricsWriter metrics(file);
    metrics.add(100, 0.15, 0, "loss", 0.1);
    metrics.sync();
    position = metrics.bytes();
    metrics.add(200, 0.3, -1, "loss", 1e-30);
  }
  const std::string before = text_of(file);
  CHECK(before.size() > position);
  {
    MetricsWriter metrics(file, event_metrics_header, position);
    metrics.add(200, 0.3, -1, "loss", 1e-30);
    CHECK(metrics.bytes() == before.size());
  }
  CHECK(text_of(file) == before);
  CHECK_THROWS_AS(MetricsWriter(file, event_metrics_header, before.size() + 1), InputError);
  CHECK_THROWS_AS(MetricsWriter(temporary.path / "missing.csv", event_metrics_header, 1), InputError);

  const auto series = read_metrics(file);
  REQUIRE(series.size() == 2);
  CHECK(series[0].layer == -1);
  CHECK(series[0].values == std::vector<double>{1e-30});
  CHECK(series[1].events == std::vector<double>{100});
  CHECK(series[1].values == std::vector<double>{0.1});
}

TEST_CASE("metrics: a torn last line is left out, anything else that is not as expected is refused") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "metrics.csv";
  const std::string header = "event,time_s,layer,quantity,value\n";
  const auto read = [&](const std::string& text) {
    replace_file(file, text);
    return read_metrics(file);
  };
  CHECK(read(header).empty());
  CHECK(read(header + "1,0,0,loss,1\n2,0,0,lo")[0].values.size() == 1);
  CHECK(read(header + "1,0,0,loss,nan\n").size() == 1);
  for (const char* row : {"1,0,0,loss\n", "1,0,0,lost,1\n", "x,0,0,loss,1\n", "-1,0,0,loss,1\n", "1,0,-2,loss,1\n",
                          "1,0,0,loss,1,1\n", "1,0,0,loss,1x\n", "\n"})
    CHECK_THROWS_AS(read(header + row), InputError);
  CHECK_THROWS_AS(read("hello\n"), InputError);
  CHECK_THROWS_AS(read(""), InputError);
  CHECK_THROWS_AS(read_metrics(temporary.path / "missing"), InputError);
}

}  // namespace saccade
