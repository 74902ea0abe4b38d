#include <doctest/doctest.h>

#include <cmath>

#include "program/data_folders.h"
#include "program/program.h"
#include "program/python.h"

/// `saccade report` as a user would run it.
namespace saccade::program {
namespace {

struct Runs {
  TemporaryFolder temporary;
  fs::path data = temporary.path / "data";

  Runs() {
    make_fashion_mnist(data, 120, 80);
    for (const std::string seed : {"1", "2", "3"}) {
      make("replay", "bp/seed-" + seed, {"seed=" + seed, "schedule=e2e"});
      if (seed != "3") make("replay", "rf/seed-" + seed, {"seed=" + seed, "schedule=e2e", "rule=rf"});
    }
    make("replay", "layerwise", {"schedule=rll"});
    make("train", "batches", {"epochs=3", "checkpoint.every=7"});
  }

  std::string folder(const std::string& name) const { return (temporary.path / name).string(); }

 private:
  void make(const char* command, const std::string& name, const std::vector<std::string>& keys) const {
    Arguments arguments{command, "--quiet", "--data", data.string(), "--out", folder(name)};
    for (const auto* list : {&keys, &small})
      for (const std::string& key : *list) arguments = arguments + Arguments{"--set", key};
    const Outcome outcome = run(arguments);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
  }

  const std::vector<std::string> small{
      "network.layers=[{channels=5, pool=true}, {channels=7, pool=true, activation=\"tanh\"}]",
      "network.embedding=6",
      "images=120",
      "batch=20",
      "events=90",
      "record.every=15",
      "margins=[0.1, 2]",
      "probe.enabled=true",
      "probe.images=60",
      "probe.batch=20",
      "probe.epochs=2"};
};

const Runs& runs() {
  static const Runs all;
  return all;
}

/// Rows of a CSV file without its head; quoted fields lose their quotes.
std::vector<std::vector<std::string>> rows_of(const fs::path& file) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream text(text_of(file));
  std::string line;
  std::getline(text, line);
  CHECK(line == "run,group,seed,mode,finished,data,layer,measure,value,protocol");
  while (std::getline(text, line)) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"')
        quoted = !quoted;
      else if (c == ',' && !quoted)
        fields.emplace_back();
      else
        fields.back() += c;
    }
    CHECK(fields.size() == 10);
    rows.push_back(fields);
  }
  return rows;
}

double value_in(const std::vector<std::vector<std::string>>& rows, const std::string& run, const std::string& layer,
                const std::string& measure) {
  double value = -1;
  int found = 0;
  for (const auto& row : rows)
    if (row[0] == run && row[6] == layer && row[7] == measure) value = std::stod(row[8]), ++found;
  CHECK(found == 1);
  return value;
}

}  // namespace

TEST_CASE("report of a finished run: the same page again, from its folder alone") {
  for (const std::string name : {"bp/seed-1", "layerwise", "batches"}) {
    CAPTURE(name);
    const TemporaryFolder temporary;
    const fs::path copy = temporary.path / "run", moved = temporary.path / "elsewhere.html";
    fs::copy(runs().folder(name), copy);
    fs::remove(copy / "report.html");
    const Outcome outcome = run({"report", copy.string()});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(outcome.out == "report: " + (copy / "report.html").string() + "\n");
    CHECK(complaint(outcome).empty());
    CHECK(text_of(copy / "report.html") == text_of(fs::path(runs().folder(name)) / "report.html"));
    REQUIRE(run({"report", "--quiet", copy.string(), "--out", moved.string()}).code == 0);
    CHECK(text_of(moved) == text_of(copy / "report.html"));
    // Without the data: the rest, and what is missing.
    std::ofstream(copy / "data-folder.txt") << temporary.path.string() << "\n";
    fs::create_directory(temporary.path / "fashion-mnist");
    const Outcome blind = run({"report", "--quiet", copy.string(), "--out", moved.string()});
    CHECK(blind.code == 0);
    CHECK(contains(blind.err, "without views"));
    CHECK(contains(blind.err, (temporary.path / "fashion-mnist").string()));
    CHECK(!contains(text_of(moved), "Views as the learner saw them"));
    CHECK(contains(text_of(moved), "Distances against the margins"));
    CHECK(run({"report", "--quiet", copy.string(), "--data", runs().data.string()}).code == 0);
    CHECK(text_of(copy / "report.html") == text_of(fs::path(runs().folder(name)) / "report.html"));
  }
}

TEST_CASE("report of a run that was killed: what its newest checkpoint says") {
  const TemporaryFolder temporary;
  const fs::path killed = temporary.path / "killed";
  fs::copy(runs().folder("batches"), killed);
  for (const char* file : {"summary.json", "report.html", "checkpoint-18.ckpt"}) fs::remove(killed / file);
  const Outcome outcome = run({"report", "--quiet", killed.string()});
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  const std::string html = text_of(killed / "report.html");
  CHECK(contains(html, "interrupted"));
  CHECK(contains(html, "<code>14</code>"));  // steps
  CHECK(!contains(html, "nan"));
  // A summary that the run has gone beyond does not count.
  fs::copy(fs::path(runs().folder("batches")) / "summary.json", killed / "summary.json");
  std::string summary = text_of(killed / "summary.json");
  summary.replace(summary.find("\"interrupted\": false"), 20, "\"interrupted\": true");
  std::ofstream(killed / "summary.json") << summary;
  REQUIRE(run({"report", "--quiet", killed.string()}).code == 0);
  CHECK(text_of(killed / "report.html") == html);
}

TEST_CASE("report of several runs: grouped by settings, numbers as in their summaries, differences seed by seed") {
  const TemporaryFolder temporary;
  const fs::path html = temporary.path / "c.html", csv = temporary.path / "c.csv";
  Arguments arguments{"report", "--out", html.string(), "--csv", csv.string()};
  const std::vector<std::string> names{"bp/seed-1", "bp/seed-2", "bp/seed-3", "rf/seed-1", "rf/seed-2"};
  for (const std::string& name : names) arguments = arguments + Arguments{runs().folder(name)};
  const Outcome outcome = run(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.out == "5 runs, 2 groups of settings: " + html.string() + "\n");
  const auto rows = rows_of(csv);
  std::map<std::string, double> top;
  for (const std::string& name : names) {
    CAPTURE(name);
    const auto summary = json_of(fs::path(runs().folder(name)) / "summary.json");
    for (const int layer : {0, 1}) {
      const auto at = static_cast<std::size_t>(layer);
      CHECK(value_in(rows, name, std::to_string(layer), "accuracy_plain_learned") == summary["probe"][at]["accuracy"]);
      CHECK(value_in(rows, name, std::to_string(layer), "accuracy_deformed_untrained") ==
            summary["deformed_random_probe"][at]["accuracy"]);
    }
    CHECK(value_in(rows, name, "", "accuracy_plain_pixels") == summary["pixels_probe"][0]["accuracy"]);
    CHECK(value_in(rows, name, "", "loss") == summary["loss"]);
    CHECK(value_in(rows, name, "", "views") == 90);
    CHECK(value_in(rows, name, "", "seconds") == summary["seconds"]);
    CHECK(value_in(rows, name, "", "last_positive_distance") > 0);
    top[name] = value_in(rows, name, "1", "accuracy_plain_learned");
  }
  for (const auto& row : rows) {
    CHECK(row[1] == (row[0].starts_with("bp") ? "bp" : "rf"));
    CHECK(row[2] == row[0].substr(row[0].size() - 1));
    CHECK(row[3] == "event");
    CHECK(row[4] == "true");
    CHECK((row[9].empty() != row[7].starts_with("accuracy")));
  }
  const std::string page = text_of(html);
  CHECK(count(page, "<svg xmlns") >= 6);
  const double first = 100 * (top["rf/seed-1"] - top["bp/seed-1"]),
               second = 100 * (top["rf/seed-2"] - top["bp/seed-2"]);
  char text[64];
  std::snprintf(text, sizeof text, ">%+.2f ± %.2f (2)<", (first + second) / 2, std::abs(first - second) / std::sqrt(2));
  CAPTURE(text);
  CHECK(contains(page, text));
  for (const char* part : {"<code>rule</code>", "60 training images of fashion-mnist", "seed by seed", "pairs/s"})
    CHECK_MESSAGE(contains(page, part), part);
  CHECK(!contains(page, "<code>seed</code>"));
  CHECK(!contains(page, ">nan"));
  CHECK(!contains(page, "unfinished"));
}

TEST_CASE("report of unlike runs: event and batch mode, end to end and layer-wise, finished and killed") {
  const TemporaryFolder temporary;
  const fs::path html = temporary.path / "c.html", csv = temporary.path / "c.csv", killed = temporary.path / "killed";
  fs::copy(runs().folder("bp/seed-1"), killed);
  fs::remove(killed / "summary.json");
  const Outcome outcome = run({"report", runs().folder("layerwise"), runs().folder("batches"), killed.string(), "--out",
                               html.string(), "--csv", csv.string()});
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  const std::string page = text_of(html);
  for (const char* part : {"<code>mode</code>", "<strong>unfinished</strong>", "1 of the runs not finished",
                           "Loss, end to end", "Loss, layer 1", "<code>optimiser</code>"})
    CHECK_MESSAGE(contains(page, part), part);
  const auto rows = rows_of(csv);
  CHECK(value_in(rows, "batches", "", "views") == 18 * 40);
  CHECK(value_in(rows, "killed", "", "views") == 90);
  for (const auto& row : rows) CHECK(row[4] == (row[0] == "killed" ? "false" : "true"));
  if (has_numpy()) {
    const Outcome read = check_with_numpy({"tidy", csv.string()});
    CAPTURE(read.err);
    CHECK(read.code == 0);
  } else {
    MESSAGE("python3-numpy is not installed: what others read of ours is not tested");
  }
}

TEST_CASE("report: what cannot be is refused, and nothing is written") {
  const TemporaryFolder temporary;
  const std::string bp = runs().folder("bp/seed-1"), rf = runs().folder("rf/seed-1"), out = temporary.path / "out.html";
  const auto damaged = [&](const char* name, const char* file, const std::string& text) {
    const fs::path folder = temporary.path / name;
    fs::copy(bp, folder);
    std::ofstream(folder / file, std::ios::binary) << text;
    return folder.string();
  };
  const std::string no_json = damaged("no-json", "summary.json", "{\"seed\": "),
                    word = damaged("word", "summary.json", "{\"command\": \"replay\", \"seconds\": \"long\"}"),
                    probe = damaged("probe", "summary.json", "{\"command\": \"probe\"}"),
                    list = damaged("list", "summary.json", "{\"command\": \"replay\", \"probe\": [7]}"),
                    metrics = damaged("metrics", "metrics.csv", "event,time_s,layer,quantity,value\n1,2,3\n"),
                    key = damaged("key", "experiment.toml", "sed = 1\n");
  const fs::path begun = temporary.path / "begun", empty = temporary.path / "empty";
  fs::create_directory(empty);
  fs::create_directory(begun);
  fs::copy(fs::path(bp) / "experiment.toml", begun / "experiment.toml");
  const auto before = everything_in(temporary.path);
  for (const auto& [arguments, parts] : std::vector<std::pair<Arguments, std::vector<std::string>>>{
           {{"/nothing/here"}, {"/nothing/here", "nothing here"}},
           {{bp + "/summary.json"}, {"summary.json", "a file"}},
           {{empty.string()}, {empty.string(), "no experiment.toml"}},
           {{begun.string()}, {begun.string(), "nothing is recorded"}},
           {{no_json}, {"summary.json", "not JSON"}},
           {{word}, {"summary.json", "seconds", "\"long\"", "a number"}},
           {{probe}, {"summary.json", "\"probe\""}},
           {{list}, {"summary.json", "found 7"}},
           {{metrics}, {"metrics.csv", "line 2"}},
           {{key}, {"experiment.toml", "sed", "seed"}},
           {{bp, rf}, {"--out"}},
           {{bp, "--out", bp + "/summary.json"}, {"summary.json", "another kind"}},
           {{bp, "--csv", out}, {"--csv", "at least two"}},
           {{bp, rf, bp + "/../seed-1", "--out", out}, {"seed-1", "twice"}},
           {{bp, rf, "--out", empty.string()}, {empty.string(), "a folder"}},
           {{bp, rf, "--out", "/nothing/here/x.html"}, {"/nothing/here/x.html"}},
           {{bp, empty.string(), "--out", out}, {empty.string()}}}) {
    const Arguments all = Arguments{"report"} + arguments;
    CHECK(refusal_fault(run(all), all, parts) == "");
    CHECK(everything_in(temporary.path) == before);
  }
  CHECK(run({"report"}).code == 2);
}

}  // namespace saccade::program
