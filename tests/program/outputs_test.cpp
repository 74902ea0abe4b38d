#include <doctest/doctest.h>

#include <cmath>
#include <regex>
#include <set>

#include "program/data_folders.h"
#include "program/program.h"
#include "tools/report/report.h"

/// Design.md, "A run folder": what a run leaves, and that its parts agree with each other.
namespace saccade::program {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

/// One finished run with probes, made once.
struct ProbedRun {
  TemporaryFolder temporary;
  fs::path out = temporary.path / "run";
  Outcome outcome;
  nlohmann::json summary;

  ProbedRun() {
    make_fashion_mnist(temporary.path, 500, 200);
    outcome = run({"replay",
                   "--json",
                   "--quiet",
                   "--data",
                   temporary.path.string(),
                   "--out",
                   out.string(),
                   "--set",
                   "events=600",
                   "--set",
                   "record.every=200",
                   "--set",
                   "schedule=rll",
                   "--set",
                   "probe.enabled=true",
                   "--set",
                   "probe.every=250",
                   "--set",
                   "probe.images=200",
                   "--set",
                   "probe.epochs=3",
                   "--set",
                   "probe.batch=20",
                   "--set",
                   "probe.test_images=150",
                   "--set",
                   "network.layers=[{channels=6, pool=true}, {channels=9, pool=true, activation=\"tanh\"}]",
                   "--set",
                   "seed=9"});
    REQUIRE(outcome.code == 0);
    summary = json_of(out / "summary.json");
  }
};

const ProbedRun& probed() {
  static const ProbedRun run;
  return run;
}

/// What is wrong with the nesting of a page's elements; elements that HTML never closes are let be.
std::string html_fault(const std::string& html) {
  const std::set<std::string> never_closed{"meta", "img", "br", "hr", "link", "input", "!doctype"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    if (!open.empty() && open.back() == "style" && html.compare(at, 8, "</style>") != 0) {
      ++at;
      continue;
    }
    std::size_t end = at;
    for (bool quoted = false; end < html.size() && (quoted || html[end] != '>'); ++end) quoted ^= html[end] == '"';
    if (end >= html.size()) return "a tag does not end";
    const std::string tag = html.substr(at + 1, end - at - 1);
    std::string name = tag.substr(0, tag.find_first_of(" \n/", 1));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    at = end + 1;
    if (name[0] == '/') {
      // Found by find_first_of from position 1 on, so the slash is still there.
      if (open.empty() || open.back() != name.substr(1)) return "unexpected <" + name + ">";
      open.pop_back();
    } else if (tag.back() != '/' && !never_closed.contains(name)) {
      open.push_back(name);
    }
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

}  // namespace

TEST_CASE("summary.json: every promised key, with values that can be") {
  const auto& s = probed().summary;
  CHECK(s["command"] == "replay");
  CHECK(s["seed"] == 9);
  CHECK(s["device"] == "cpu");
  CHECK(s["threads"].get<int>() >= 1);
  CHECK(s["data"] == "fashion-mnist");
  CHECK(s["events"] == 600);
  CHECK(s["updates"].get<int>() > 0);
  CHECK(s["updates"].get<int>() <= 300);  // the anchors' views update nothing
  CHECK(s["seconds"].get<double>() > 0);
  CHECK(s["events_per_second"].get<double>() == doctest::Approx(600 / s["seconds"].get<double>()));
  CHECK(s["pairs_per_second"].get<double>() == doctest::Approx(300 / s["seconds"].get<double>()));
  CHECK(s["peak_rss_bytes"].get<double>() > 1e6);
  CHECK(s["peak_rss_bytes"].get<double>() < 4e9);
  CHECK(std::regex_match(s["fingerprint"].get<std::string>(), std::regex("[0-9a-f]{32}")));
  CHECK(s["loss"].get<double>() > 0);
  CHECK(s["interrupted"] == false);
  CHECK(s["instruction_set"].is_string());
  CHECK(s["arithmetic"] == "exact");
  for (const char* key : {"probe", "random_probe"}) {
    CAPTURE(key);
    REQUIRE(s[key].size() == 2);
    for (int layer = 0; layer < 2; ++layer) {
      const auto& one = s[key][static_cast<std::size_t>(layer)];
      CHECK(one["layer"] == layer);
      CHECK(one["features"] == (layer == 0 ? 6 * 14 * 14 : 9 * 7 * 7));
      CHECK(one["accuracy"].get<double>() > 0.3);  // the classes differ by a bright stripe
      CHECK(one["accuracy"].get<double>() <= 1);
      const std::string protocol = one["protocol"];
      for (const char* part :
           {"fashion-mnist", "200 training images", "150 plain test images", "3 epochs", "seed 9", "cpu"})
        CHECK(contains(protocol, part));
    }
  }
  CHECK(s["pixels_probe"][0]["layer"] == -1);
  CHECK(s["pixels_probe"][0]["features"] == 784);
}

TEST_CASE("--json: standard output is the summary and nothing else; --quiet: nothing on standard error") {
  CHECK(nlohmann::json::parse(probed().outcome.out) == probed().summary);
  CHECK(probed().outcome.err.empty());
  const TemporaryFolder temporary;
  const Outcome text = run(replay(temporary.path / "run", {"images=20", "events=20"}));
  CHECK(text.code == 0);
  CHECK(text.err.empty());
  const auto summary = json_of(temporary.path / "run" / "summary.json");
  CHECK(contains(text.out, summary["fingerprint"]));
  CHECK(contains(text.out, (temporary.path / "run" / "report.html").string()));
  CHECK(summary["probe"].empty());  // not asked for, and short
}

TEST_CASE("metrics.csv: its columns, and rows that agree with the summary") {
  const std::string text = text_of(probed().out / "metrics.csv");
  const auto lines = split(text, '\n');
  REQUIRE(lines.size() > 10);
  CHECK(lines[0] == "event,time_s,layer,quantity,value");
  const std::set<std::string> known{
      "positive_distance", "negative_distance", "positive_active", "negative_active", "staleness", "loss", "updates"};
  std::set<std::string> quantities, events;
  std::map<std::string, double> updates;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto fields = split(lines[i], ',');
    CAPTURE(lines[i]);
    REQUIRE(fields.size() == 5);
    events.insert(fields[0]);
    // The last of n views of 0.15 s each began at (n - 1) 0.15 s.
    CHECK(std::stod(fields[1]) == doctest::Approx((std::stod(fields[0]) - 1) * 0.15));
    CHECK((fields[2] == "0" || fields[2] == "1"));
    CHECK(known.contains(fields[3]));
    quantities.insert(fields[3]);
    const double value = std::stod(fields[4]);
    CHECK(std::isfinite(value));
    CHECK(value >= 0);
    if (fields[3].ends_with("active")) CHECK(value <= 1);
    if (fields[3] == "updates") updates[fields[2]] = value;
  }
  CHECK(quantities == known);
  CHECK(events == std::set<std::string>{"200", "400", "600"});
  CHECK(updates["0"] + updates["1"] == probed().summary["updates"]);
  CHECK(read_metrics(probed().out / "metrics.csv").size() == 14);
}

TEST_CASE("probes.csv: the probes of the run, and those of summary.json") {
  const auto lines = split(text_of(probed().out / "probes.csv"), '\n');
  CHECK(lines.at(0) == "event,network,test,layer,features,accuracy,protocol");
  std::map<std::string, int> rows;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto fields = split(lines[i], ',');
    CAPTURE(lines[i]);
    REQUIRE(fields.size() >= 7);
    CHECK(lines[i].ends_with('"'));
    ++rows[fields[0] + " " + fields[1] + " " + fields[2]];
    std::string list = fields[2] == "deformed" ? "deformed_" : "";
    list += fields[1] == "learned" ? "probe" : fields[1] == "untrained" ? "random_probe" : "pixels_probe";
    if (fields[1] == "learned" && fields[0] != "600") continue;
    bool found = false;
    for (const auto& one : probed().summary[list])
      found = found || (one["layer"] == std::stoi(fields[3]) && one["accuracy"] == std::stod(fields[5]) &&
                        one["features"] == std::stoi(fields[4]));
    CHECK(found);
  }
  for (const char* test : {"plain", "deformed"}) {
    for (const char* event : {"250", "500", "600"}) CHECK(rows[std::string(event) + " learned " + test] == 2);
    CHECK(rows[std::string("0 untrained ") + test] == 2);
    CHECK(rows[std::string("0 pixels ") + test] == 1);
  }
}

TEST_CASE("report.html: one page that needs nothing else and says what summary.json says") {
  const std::string html = text_of(probed().out / "report.html");
  CHECK(html_fault(html) == "");
  CHECK(html_fault("<p><b></p></b>") != "");
  CHECK(html_fault("<p>") != "");
  CHECK(html_fault("</p>") != "");
  for (const char* part : {"http:", "https:", "//cdn", "<script src", "<link", "@import", "file:"}) {
    CAPTURE(part);
    std::string rest = std::regex_replace(html, std::regex("xmlns(:xlink)?=\"http://www.w3.org/[^\"]*\""), "");
    CHECK(!contains(rest, part));
  }
  const std::regex source("(src|href)\\s*=\\s*[\"'](.{0,11})");
  for (std::sregex_iterator found(html.begin(), html.end(), source), end; found != end; ++found)
    CHECK(((*found)[2].str().starts_with("data:image/") || (*found)[2].str().starts_with("#")));
  CHECK(contains(html, "data:image/png;base64,"));
  CHECK(count(html, "<svg") >= 4);
  const auto& s = probed().summary;
  CHECK(contains(html, s["fingerprint"]));
  CHECK(contains(html, "600 of 600"));
  char text[32];
  std::snprintf(text, sizeof text, ">%d<", s["updates"].get<int>());
  CHECK(contains(html, text));
  std::snprintf(text, sizeof text, ">%.4f<", s["loss"].get<double>());
  CHECK(contains(html, text));
  for (const char* list :
       {"probe", "random_probe", "pixels_probe", "deformed_probe", "deformed_random_probe", "deformed_pixels_probe"})
    for (const auto& one : s[list]) {
      std::snprintf(text, sizeof text, "%.2f %%", 100 * one["accuracy"].get<double>());
      CAPTURE(list);
      CHECK(contains(html, text));
    }
  for (const std::string& line : split(text_of(probed().out / "experiment.toml"), '\n'))
    if (line.find('"') == std::string::npos) CHECK(contains(html, line));
}

TEST_CASE("experiment.toml runs the experiment again") {
  const TemporaryFolder temporary;
  const Arguments arguments = replay(temporary.path / "again") + Arguments{"--data", probed().temporary.path.string(),
                                                                           (probed().out / "experiment.toml").string()};
  REQUIRE(run(arguments).code == 0);
  const auto summary = json_of(temporary.path / "again" / "summary.json");
  for (const char* key :
       {"fingerprint", "probe", "random_probe", "pixels_probe", "deformed_probe", "loss", "updates"}) {
    CAPTURE(key);
    CHECK(summary[key] == probed().summary[key]);
  }
  for (const char* file : {"metrics.csv", "probes.csv", "events.trace", "experiment.toml"})
    CHECK(text_of(temporary.path / "again" / file) == text_of(probed().out / file));
}

TEST_CASE("probe --checkpoint: the accuracies of the run's own probe") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "probe";
  const Arguments arguments{"probe",
                            "--checkpoint",
                            (probed().out / "checkpoint-600.ckpt").string(),
                            "--out",
                            out.string(),
                            "--data",
                            probed().temporary.path.string(),
                            "--quiet",
                            "--json",
                            "--threads",
                            "1"};
  const Outcome outcome = run(arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.err.empty());
  const auto summary = json_of(out / "summary.json");
  CHECK(nlohmann::json::parse(outcome.out) == summary);
  CHECK(summary["command"] == "probe");
  for (const char* key : {"fingerprint", "events", "seed", "data", "probe", "random_probe", "pixels_probe",
                          "deformed_probe", "deformed_random_probe", "deformed_pixels_probe"}) {
    CAPTURE(key);
    CHECK(summary[key] == probed().summary[key]);
  }
  CHECK(contains(text_of(out / "probes.csv"), "600,learned,plain,1,441,"));
  // Its own keys can be set.
  Arguments other = arguments + Arguments{"--set", "probe.test_images=20", "--set", "probe.pixels=false",
                                          "--set", "probe.deformed=false"};
  other[4] = (temporary.path / "other").string();
  REQUIRE(run(other).code == 0);
  const auto changed = json_of(temporary.path / "other" / "summary.json");
  CHECK(contains(changed["probe"][0]["protocol"], "20 plain test images"));
  CHECK(changed["pixels_probe"].empty());
  CHECK(changed["deformed_probe"].empty());
}

TEST_CASE("inspect agrees with the run") {
  const Outcome trace = run({"inspect", "--json", (probed().out / "events.trace").string()});
  REQUIRE(trace.code == 0);
  const auto json = nlohmann::json::parse(trace.out);
  CHECK(json["records"]["view"] == 600);
  CHECK(json["records"]["update"] == 600);
  CHECK(json["records"]["saccade"].get<int>() >= 299);
  CHECK(json["fixations"] == 300);
  CHECK(json["damage"].empty());
  const Outcome checkpoint = run({"inspect", "--json", (probed().out / "checkpoint-600.ckpt").string()});
  REQUIRE(checkpoint.code == 0);
  const auto state = nlohmann::json::parse(checkpoint.out);
  CHECK(state["fingerprint"] == probed().summary["fingerprint"]);
  CHECK(state["event"] == 600);
  CHECK(state["experiment"] == text_of(probed().out / "experiment.toml"));
}

TEST_CASE("CIFAR-10 in its official layout, conv5, from the first 300 images") {
  const TemporaryFolder temporary;
  make_cifar10(temporary.path);
  const fs::path out = temporary.path / "run";
  const Outcome outcome = run(replay(out, {"data=cifar10", "images=300", "events=12", "schedule=rll"}),
                              {{"SACCADE_DATA", temporary.path.string()}});
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(json_of(out / "summary.json")["data"] == "cifar10");
  CHECK(contains(text_of(out / "experiment.toml"), "network = \"conv5\""));
}

}  // namespace saccade::program
