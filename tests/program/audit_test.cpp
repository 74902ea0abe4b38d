#include <doctest/doctest.h>

#include "program/program.h"

namespace saccade::program {
namespace {

nlohmann::json audited(const Arguments& more) {
  const Outcome outcome = run(Arguments{"audit", "--json"} + more);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  return nlohmann::json::parse(outcome.out);
}

std::string verdict(const nlohmann::json& audit, const std::string& key) {
  for (const auto& c : audit["conditions"])
    if (c["key"] == key) return c["verdict"];
  return {};
}

}  // namespace

TEST_CASE("audit: the defaults, a file with changes, a preset; as replay, or as train where replay cannot") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "mine.toml";
  std::ofstream(file) << "schedule = \"e2e\"\nrule = \"rf\"\n";
  CHECK(audited({})["command"] == "replay");
  CHECK(verdict(audited({}), "symmetry") == "not met");
  const auto mine = audited({file.string()});
  CHECK(verdict(mine, "symmetry") == "met");
  CHECK(verdict(mine, "locking") == "not met");
  CHECK(verdict(audited({file.string(), "--set", "schedule=rll"}), "locking") == "met");
  const auto trained = audited({"--train", file.string()});
  CHECK(trained["command"] == "train");
  CHECK(verdict(trained, "operations") == "not met");  // Adam, the default of a training
  for (const char* setting : {"loss=simclr", "loss=supervised", "rule=dtp", "negatives=all"})
    CHECK(audited({"--set", setting, "--set", "schedule=e2e"})["command"] == "train");
  CHECK(verdict(audited({"--set", "loss=supervised"}), "unsupervised") == "not met");
  CHECK(audited({"--preset", "table1/simclr-e2e-bp"})["command"] == "train");
  CHECK(audited({"--preset", "online/batch-rll"})["command"] == "train");  // hinge and few negatives, but epochs
  CHECK(audited({"--preset", "online/pll"})["configuration"].get<std::string>().find("schedule pll") !=
        std::string::npos);

  const Outcome text = run({"audit"});
  CHECK(text.code == 0);
  for (const char* part : {"as saccade replay runs it", "(ii) no normalisation", "how old", "floats", "at most 1.35 s"})
    CHECK(text.out.find(part) != std::string::npos);
}

TEST_CASE("audit: what cannot be run is refused") {
  for (const auto& [arguments, part] : std::vector<std::pair<Arguments, std::string>>{
           {{"--set", "schedul=e2e"}, "schedule"},
           {{"nowhere.toml"}, "nowhere.toml"},
           {{"--preset", "online/none"}, "online"},
           {{"--preset", "online/rll", "mine.toml"}, "expected one experiment"},
           {{"--set", "rule=dtp", "--set", "schedule=rll"}, "end to end"},
           {{"--train", "--set", "schedule=pll"}, "rll, gll or e2e"},
           {{"--set", "error=circuit", "--set", "block=false"}, "saccade replay"},
           {{"--set", "loss=simclr", "--set", "activity=covariance"}, "saccade replay"}}) {
    const Outcome outcome = run(Arguments{"audit"} + arguments);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.err.find(part) != std::string::npos);
    CHECK(outcome.out.empty());
  }
}

TEST_CASE("audit: a run's report and its memory agree with it") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  REQUIRE(run(replay(out, {"images=60", "events=40", "schedule=e2e", "rule=rf", "negatives=3"})).code == 0);
  const std::string report = text_of(out / "report.html");
  CHECK(report.find("<h2>Plausibility</h2>") != std::string::npos);
  CHECK(report.find("layer 0 waits 6 hops") != std::string::npos);
  const auto audit = audited({(out / "experiment.toml").string()});
  CHECK(audit["kept"][0]["floats"] == json_of(out / "summary.json")["memory_floats"]);
}

}  // namespace saccade::program
