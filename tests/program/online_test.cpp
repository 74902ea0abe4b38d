#include <doctest/doctest.h>

#include "program/program.h"

/// What finds settings for event mode, and the experiment files that come with the program.
namespace saccade::program {

TEST_CASE("calibrate prints margins and rates, and writes an experiment that runs as it is") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "found.toml", out = temporary.path / "run";
  const Arguments asked{"calibrate", "--quiet",          "--set", "images=200",
                        "--set",     "measure.pairs=30", "--set", "schedule=pll"};
  const Outcome printed = run(asked);
  CAPTURE(printed.err);
  REQUIRE(printed.code == 0);
  for (const char* key : {"margins = [[", "rate.conv = [", "rate.head = ["})
    CHECK(printed.out.find(key) != std::string::npos);
  CHECK(run(asked).out == printed.out);
  CHECK(run(asked + Arguments{"--threads", "3"}).out == printed.out);

  REQUIRE(run(asked + Arguments{"--out", file.string()}).code == 0);
  const Outcome replayed = run({"replay", file.string(), "--quiet", "--set", "events=40", "--out", out.string()});
  CAPTURE(replayed.err);
  REQUIRE(replayed.code == 0);
  const std::string resolved = text_of(out / "experiment.toml");
  CHECK(resolved.find("schedule = \"pll\"") != std::string::npos);
  const std::string margins = printed.out.substr(0, printed.out.find('\n'));
  CHECK(resolved.find(margins) != std::string::npos);

  const Outcome end_to_end = run({"calibrate", "--set", "schedule=e2e"});
  CHECK(end_to_end.code == 2);
  CHECK(end_to_end.err.find("rll, gll or pll") != std::string::npos);
  const std::string pixels = (temporary.path / "p.views").string();
  REQUIRE(run({"pack", "--quiet", "--pixels", "--set", "images=20", "--set", "events=20", "--out", pixels}).code == 0);
  const Outcome recorded = run({"calibrate", "--set", "stream.file=" + pixels});
  CHECK(recorded.code == 2);
  CHECK(recorded.err.find("expected a data set") != std::string::npos);
  std::ofstream(temporary.path / "notes.txt") << "mine";
  CHECK(run(asked + Arguments{"--out", (temporary.path / "notes.txt").string()}).code == 2);
  CHECK(text_of(temporary.path / "notes.txt") == "mine");
}

TEST_CASE("presets: listed, run by name with changes, refused when there is none") {
  const TemporaryFolder temporary;
  const Outcome list = run({"replay", "--presets"});
  CHECK(list.code == 0);
  for (const char* name : {"online/rll\n", "online/fashion-rll-shuffled\n", "table1/rll-bp-few\n"})
    CHECK(list.out.find(name) != std::string::npos);
  const fs::path out = temporary.path / "run";
  const Arguments preset{"replay", "--preset", "online/fashion-rll-shuffled", "--quiet"};
  const Outcome done =
      run(preset + Arguments{"--set", "events=60", "--set", "probe.enabled=false", "--out", out.string()});
  CAPTURE(done.err);
  REQUIRE(done.code == 0);
  const std::string resolved = text_of(out / "experiment.toml");
  CHECK(resolved.find("events = 60\n") != std::string::npos);
  CHECK(resolved.find("positives = \"shuffled\"") != std::string::npos);

  const Outcome unknown = run({"replay", "--preset", "online/rlll", "--out", (temporary.path / "none").string()});
  CHECK(unknown.code == 2);
  CHECK(unknown.err.find("online/rll") != std::string::npos);
  CHECK_FALSE(fs::exists(temporary.path / "none"));
  CHECK(run(preset + Arguments{(out / "experiment.toml").string(), "--out", (temporary.path / "none").string()}).code ==
        2);
  CHECK(run({"replay", "--preset", "online/rll", "--resume", out.string()}).code == 2);
}

TEST_CASE("batch mode has no layers in parallel, rates that fall, running averages, traces or circuits") {
  const TemporaryFolder temporary;
  for (const char* setting : {"schedule=pll", "rate.final=0.5", "activity=covariance", "memory.trace=exponential",
                              "memory.noise=0.1", "error=circuit"}) {
    const Outcome refused = run({"train", "--set", setting, "--out", (temporary.path / "none").string()});
    CHECK(refused.code == 2);
    CHECK(refused.err.find("saccade replay") != std::string::npos);
  }
}

TEST_CASE("shuffled positives: the same anchors, other later views, and another result") {
  const TemporaryFolder temporary;
  std::vector<std::string> fingerprints;
  for (const char* positives : {"same", "shuffled", "shuffled"}) {
    const fs::path out = temporary.path / std::to_string(fingerprints.size());
    const Outcome done = run(replay(out, {"images=50", "events=80", std::string("stream.positives=") + positives}));
    CAPTURE(done.err);
    REQUIRE(done.code == 0);
    fingerprints.push_back(json_of(out / "summary.json")["fingerprint"]);
  }
  CHECK(fingerprints[0] != fingerprints[1]);
  CHECK(fingerprints[1] == fingerprints[2]);
}

}  // namespace saccade::program
