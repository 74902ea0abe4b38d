#pragma once
#include <doctest/doctest.h>

#include "program/program.h"

/// Small studies for the tests of `saccade sweep`.
namespace saccade::program {

/// Eight runs of a tenth of a second each.
inline const std::string tiny = R"(
title = "Tiny"
question = "Is it the same however it is run?"
seeds = [1, 2]
[base]
data = "world"
world = {objects = 32, train_stills = 40, test_stills = 20, size = 16}
network = {layers = [{channels = 4, pool = true, activation = "tanh"}], embedding = 8}
events = 200
record.every = 50
checkpoint.every = 40
probe.enabled = true
probe.epochs = 1
[grid]
memory.window = [0.5, inf]
negatives = [1, 2]
)";

inline const std::vector<std::string> names{"001-window-0.5-negatives-1", "002-window-0.5-negatives-2",
                                            "003-window-inf-negatives-1", "004-window-inf-negatives-2"};

struct StudyFixture {
  explicit StudyFixture(const std::string& text = tiny) { std::ofstream(file) << text; }

  Arguments begin(const Arguments& more = {}) const {
    return Arguments{"sweep", file.string(), "--out", out.string(), "--quiet"} + more;
  }
  Arguments resume(const Arguments& more = {}) const {
    return Arguments{"sweep", "--resume", out.string(), "--quiet"} + more;
  }
  std::string results() const { return text_of(out / "results.csv"); }
  std::size_t finished() const {
    std::size_t n = 0;
    if (fs::exists(out / "runs"))
      for (const auto& run : fs::directory_iterator(out / "runs")) n += fs::exists(run.path() / "summary.json");
    return n;
  }

  TemporaryFolder folder;
  fs::path file = folder.path / "study.toml", out = folder.path / "out";
};

/// The tiny study, run once, one run at a time.
inline const StudyFixture& whole() {
  struct Whole : StudyFixture {
    Whole() {
      const Outcome outcome = run(begin({"--jobs", "1"}));
      INFO(outcome.err);
      REQUIRE(outcome.code == 0);
    }
  };
  static const Whole fixture;
  return fixture;
}

/// The tiny study with longer runs, to be stopped in their midst, and what it comes to.
inline const std::string longer = [] {
  std::string text = tiny;
  text.replace(text.find("events = 200"), 12, "events = 6000");
  text.replace(text.find("checkpoint.every = 40"), 21, "checkpoint.every = 1000");
  return text;
}();

inline const std::string& longer_results() {
  static const std::string results = [] {
    const StudyFixture fixture(longer);
    REQUIRE(run(fixture.begin()).code == 0);
    return fixture.results();
  }();
  return results;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace saccade::program
