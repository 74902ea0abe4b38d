#include <doctest/doctest.h>

#include "program/program.h"

/// Design.md, promise 1: one experiment and seed give identical bits, whatever runs beside them. Default data and
/// default network, whose convolutions are large enough to be shared between threads.
namespace saccade::program {
namespace {

std::string fingerprint_of(const Arguments& more, const Environment& environment = {}) {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "out";
  const Outcome outcome = run(replay(out, {"images=300", "events=160", "checkpoint.every=0"}) + more, environment);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  const auto summary = json_of(out / "summary.json");
  CHECK(summary["updates"] > 0);
  return summary["fingerprint"];
}

std::string instruction_set_of(const Environment& environment) {
  return nlohmann::json::parse(run({"devices", "--json"}, environment).out)["devices"][0]["instruction_set"];
}

bool machine_has(const std::string& instruction_set) {
  return run({"devices"}, {{"SACCADE_ISA", instruction_set}}).code == 0;
}

}  // namespace

TEST_CASE("same bits: twice, with 1, 2 and 5 threads, with AVX2 and AVX-512, in every mode of learning") {
  const std::vector<Arguments> experiments = {
      {"--set", "schedule=e2e"},
      {"--set", "schedule=rll"},
      {"--set", "schedule=gll"},
      {"--set", "schedule=e2e", "--set", "block=false"},
      {"--set", "schedule=rll", "--set", "block=false", "--set", "rule=urf"},
      {"--set", "memory.mode=held", "--set", "negatives=6"},
      {"--set", "optimiser=adam", "--set", "rule=rf"},
      {"--set", "schedule=e2e", "--set", "arithmetic=fast"},
      {"--set", "schedule=pll", "--set", "activity=covariance", "--set", "average_views=20"},
      {"--set", "memory.trace=exponential", "--set", "memory.noise=0.5", "--set", "error=circuit", "--set",
       "circuit.noise=0.1"},
      {"--set", "schedule=rll", "--set", "optimiser=adam", "--set", "rule=sign", "--set", "stream.views=3"},
  };
  const bool avx2 = machine_has("avx2"), avx512 = machine_has("avx512");
  if (!avx2 || !avx512) MESSAGE("this machine lacks AVX2 or AVX-512: their bits are not compared");
  if (avx512) CHECK(instruction_set_of({}) == "avx512");
  if (avx2) CHECK(instruction_set_of({{"SACCADE_ISA", "avx2"}}) == "avx2");
  std::vector<std::string> seen;
  for (const Arguments& experiment : experiments) {
    std::string name;
    for (const std::string& argument : experiment) name += argument + " ";
    CAPTURE(name);
    // Without SACCADE_ISA, the widest that the machine has.
    const std::string expected = fingerprint_of(experiment + Arguments{"--threads", "1"});
    CHECK(expected.size() == 32);
    CHECK(fingerprint_of(experiment + Arguments{"--threads", "2"}) == expected);
    CHECK(fingerprint_of(experiment + Arguments{"--threads", "5"}) == expected);
    if (avx2 && avx512) CHECK(fingerprint_of(experiment, {{"SACCADE_ISA", "avx2"}}) == expected);
    seen.push_back(expected);
  }
  // The detector detects: experiments that differ have different fingerprints.
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("same bits: whoever listens") {
  const std::string expected = fingerprint_of({});
  CHECK(fingerprint_of({}) == expected);
  CHECK(fingerprint_of({"--set", "record.events=false"}) == expected);
  CHECK(fingerprint_of({"--set", "record.every=7", "--set", "checkpoint.every=50"}) == expected);
  const Arguments measures{"--set", "measure.every=20", "--set", "measure.pairs=9"};
  CHECK(fingerprint_of(measures) == expected);
  CHECK(fingerprint_of(measures + Arguments{"--set", "measure.knn=3", "--set", "measure.images=30", "--set",
                                            "measure.similarity=classes", "--set", "measure.collapse=1e-6"}) ==
        expected);
  const Arguments probe{"--set", "probe.enabled=true", "--set", "probe.images=50",
                        "--set", "probe.epochs=1",     "--set", "probe.test_images=20"};
  CHECK(fingerprint_of(probe) == expected);
  CHECK(fingerprint_of(probe + Arguments{"--set", "probe.every=60"}) == expected);
  // Nor does it depend on the place, but on seed and length it does.
  CHECK(fingerprint_of({"--data", "/"}) == expected);
  CHECK(fingerprint_of({"--set", "seed=2"}) != expected);
  CHECK(fingerprint_of({"--set", "events=162"}) != expected);
}

TEST_CASE("same bits: an experiment file and its overrides") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "first", again = temporary.path / "again", file = temporary.path / "my.toml";
  std::ofstream(file)
      << "seed = 5\nevents = 100\nimages = 60\nschedule = \"rll\"\nrule = \"urf\"\n"
         "[network]\nembedding = 20\nlayers = [{channels = 5, pool = true, activation = \"relu\"}, "
         "{channels = 7, activation = \"hardtanh\"}]\n[memory]\nwindow = 1.7\n[rate]\nconv = [1e-3, 1e-2]\n";
  // A positional argument may follow --set.
  REQUIRE(run(replay(out, {"seed=6", "negatives=3"}) + Arguments{file.string()}).code == 0);
  const auto summary = json_of(out / "summary.json");
  CHECK(summary["seed"] == 6);
  CHECK(summary["events"] == 100);
  REQUIRE(run(replay(again) + Arguments{(out / "experiment.toml").string()}).code == 0);
  CHECK(json_of(again / "summary.json")["fingerprint"] == summary["fingerprint"]);
  CHECK(text_of(again / "experiment.toml") == text_of(out / "experiment.toml"));
  CHECK(text_of(again / "metrics.csv") == text_of(out / "metrics.csv"));
  CHECK(text_of(again / "events.trace") == text_of(out / "events.trace"));
}

}  // namespace saccade::program
