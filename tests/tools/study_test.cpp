#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <set>

#include "engine/error.h"
#include "tools/sweep/study.h"
#include "tools/sweep/sweep.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

/// A study's file in a folder of its own.
struct StudyFile {
  explicit StudyFile(const std::string& text) { std::ofstream(path()) << text; }
  std::filesystem::path path() const { return folder.path / "study.toml"; }
  Study load() const { return load_study(path()); }

  TemporaryFolder folder;
};

std::vector<StudyRun> runs_of(const std::string& text) { return study_runs(StudyFile(text).load()); }

std::string refusal(const std::string& text) {
  try {
    runs_of(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "not refused";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a grid is the product of its lists, its last key fastest, every point with all seeds") {
  const auto runs = runs_of(
      "title = \"T\"\nseeds = [7, 5]\n[base]\nevents = 99\n[grid]\nnegatives = [1, 2]\nmemory.window = [0.5, inf]\n"
      "rule = [\"bp\"]\n");
  REQUIRE(runs.size() == 8);
  std::size_t i = 0;
  for (const std::int64_t negatives : {1, 2})
    for (const double window : {0.5, std::numeric_limits<double>::infinity()})
      for (const std::int64_t seed : {7, 5}) {
        const StudyRun& run = runs[i];
        CAPTURE(run.name);
        CHECK(run.point == i / 2);
        CHECK(run.seed == seed);
        CHECK(run.experiment.seed == seed);
        CHECK(run.experiment.negatives == negatives);
        CHECK(run.experiment.memory.window == window);
        CHECK(run.experiment.events == 99);
        ++i;
      }
  CHECK(runs[0].name == "001-negatives-1-window-0.5-rule-bp-seed-7");
  CHECK(runs[7].name == "004-negatives-2-window-inf-rule-bp-seed-5");
}

TEST_CASE("a run is the experiment that the command line would make of its overrides") {
  const StudyFile file(
      "title = \"T\"\npreset = \"none\"\n[base]\nrate = 1e-3\n[grid]\nnetwork.embedding = [16, 32]\n"
      "rate.conv = [[1e-3, 2e-3, 3e-3], 1e-4]\n");
  std::ofstream(file.folder.path / "base.toml") << "network = \"conv3\"\nschedule = \"gll\"\n";
  const Study study = load_study(file.path(), file.folder.path / "base.toml");
  CHECK(study.varied == std::vector<std::string>{"network.embedding", "rate.conv"});
  const auto runs = study_runs(study);
  REQUIRE(runs.size() == 4);
  for (const StudyRun& run : runs)
    CHECK(run.experiment == load_experiment(file.folder.path / "base.toml", run.overrides));
  CHECK(runs[0].experiment.network.embedding == 16);
  CHECK(runs[0].experiment.rate.conv == std::vector<double>{1e-3, 2e-3, 3e-3});
  CHECK(runs[3].experiment.rate.conv == std::vector<double>{1e-4});
  CHECK(runs[3].experiment.rate.head == std::vector<double>{1e-3});
}

TEST_CASE("command = train has the defaults of saccade train") {
  const auto runs = runs_of("title = \"T\"\ncommand = \"train\"\n");
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].experiment == load_experiment({}, {}, Mode::batch));
  CHECK(runs[0].name == "001-base-seed-1");
}

TEST_CASE("an experiment file stands beside the study's") {
  const StudyFile file("title = \"T\"\nexperiment = \"mine.toml\"\n[base]\nnegatives = 3\n");
  std::ofstream(file.folder.path / "mine.toml") << "negatives = 2\nevents = 7\n";
  const auto runs = study_runs(file.load());
  CHECK(runs[0].experiment.negatives == 3);
  CHECK(runs[0].experiment.events == 7);
}

TEST_CASE("points of all kinds follow each other") {
  const Study study =
      StudyFile(
          "title = \"T\"\nquestion = \"Q\"\nnotes = \"N\"\n[[point]]\nname = \"no memory\"\nnegatives = 0\n"
          "[[point]]\nname = \"b\"\n[point.memory]\nwindow = 2.0\n[grid]\nnegatives = [1, 2]\n"
          "[random]\ndraws = 2\nrate.conv = {min = 0.1, max = 0.2}\n")
          .load();
  CHECK(study.title == "T");
  CHECK(study.question == "Q");
  CHECK(study.notes == "N");
  REQUIRE(study.points.size() == 6);
  CHECK(study.points[2].name == "no memory");
  CHECK(study.points[3].assignments[0].text() == "memory.window=2.0");
  CHECK(study.points[4].name.starts_with("conv-0.1"));
  CHECK(study.varied == std::vector<std::string>{"negatives", "memory.window", "rate.conv"});
  const auto runs = study_runs(study);
  CHECK(runs[2].name == "003-no-memory-seed-1");
}

TEST_CASE("random points: the same everywhere, within their ranges, other ones for another seed") {
  const std::string text =
      "title = \"T\"\n[random]\ndraws = 200\nrate.conv = {min = 1e-5, max = 1e-1, log = true}\n"
      "negatives = {min = 1, max = 4}\nnegative_weight = {min = 0.5, max = 2.0}\nrule = {choices = [\"bp\", \"rf\"]}\n";
  const Study study = StudyFile(text).load();
  REQUIRE(study.points.size() == 200);
  // Golden: a study must draw the same points on every machine and after every change.
  CHECK(study.points[0].name == "conv-0.00046-negatives-2-negative-weight-1.013-rule-rf");
  CHECK(study.points[1].name == "conv-0.02036-negatives-4-negative-weight-1.868-rule-rf");
  std::set<std::int64_t> negatives;
  std::set<std::string> rules;
  double below = 0, mean = 0;
  for (const StudyRun& run : study_runs(study)) {
    const double rate = run.experiment.rate.conv[0], weight = run.experiment.negative_weight;
    CHECK((rate >= 1e-5 && rate <= 1e-1));
    CHECK((weight >= 0.5 && weight <= 2));
    below += rate < 1e-3 ? 1 : 0;
    mean += weight / 200;
    negatives.insert(run.experiment.negatives);
    rules.insert(experiment_word(run.experiment, "rule"));
  }
  CHECK(negatives == std::set<std::int64_t>{1, 2, 3, 4});
  CHECK(rules == std::set<std::string>{"bp", "rf"});
  // 4 standard deviations of 200 draws: half of a logarithmic range lies below its geometric mean.
  CHECK(std::abs(below - 100) < 4 * std::sqrt(50.0));
  CHECK(std::abs(mean - 1.25) < 4 * 1.5 / std::sqrt(12.0 * 200));
  const Study other = StudyFile(text + "seed = 2\n").load();
  CHECK(other.points[0].name != study.points[0].name);
  // Another key behind leaves the draws of those before as they are.
  const Study longer = StudyFile(text + "average_views = {min = 10.0, max = 20.0}\n").load();
  CHECK(longer.points[5].assignments[2].text() == study.points[5].assignments[2].text());
}

TEST_CASE("draws that repeat themselves are run once") {
  CHECK(runs_of("title = \"T\"\n[random]\ndraws = 50\nnegatives = {min = 1, max = 3}\n").size() == 3);
  CHECK(contains(StudyFile("title = \"T\"\n[random]\ndraws = 50\nnegatives = {min = 1, max = 3}\n").load().warning,
                 "random.draws = 50: only 3 of them differ"));
  CHECK(StudyFile("title = \"T\"\n[random]\ndraws = 2\nrate.conv = {min = 0.1, max = 0.2}\n").load().warning == "");
}

TEST_CASE("what is wrong with a study is told with its line") {
  const std::string head = "title = \"T\"\n";  // line 1
  struct Case {
    std::string text;
    std::vector<std::string> parts;
  };
  for (const auto& [text, parts] : {
           Case{"question = \"?\"\n", {"needs a title"}},
           Case{head + "titel = 1\n", {"line 2", "unknown key \"titel\"", "[base]"}},
           Case{head + "seeds = []\n", {"line 2", "seeds", "[1, 2, 3]"}},
           Case{head + "seeds = [1, 1]\n", {"line 2", "1 stands there twice"}},
           Case{head + "seeds = [-1]\n", {"line 2", "integers from 0"}},
           Case{head + "command = \"probe\"\n", {"line 2", "\"probe\"", "\"replay\" or \"train\""}},
           Case{head + "notes = 3\n", {"line 2", "notes", "text"}},
           Case{head + "[base]\nmemory.windw = 2\n", {"line 3", "memory.windw", "did you mean \"memory.window\"?"}},
           Case{head + "[grid]\nevents = [1, \"two\"]\n", {"line 3", "events is the string \"two\"", "point 2"}},
           Case{head + "[grid]\nnegatives = 4\n", {"line 3", "grid.negatives", "list"}},
           Case{head + "[grid]\nnegatives = []\n", {"line 3", "grid.negatives", "list"}},
           Case{head + "[grid]\nnegatives = [1,\n2,\n1]\n", {"line 5", "1 stands there twice"}},
           Case{head + "[grid]\n", {"line 2", "grid", "keys"}},
           Case{head + "[grid]\nseed = [1, 2]\n", {"line 3", "seeds = [1, 2, 3]"}},
           Case{head + "[base]\nseed = 4\n", {"line 3", "seeds = [1, 2, 3]"}},
           Case{head + "[[point]]\nnegatives = 1\n", {"line 2", "name"}},
           Case{head + "[[point]]\nname = \"a\"\n[[point]]\nname = \"a\"\n", {"line 5", "\"a\""}},
           Case{head + "[[point]]\nname = \"a\"\n[[point]]\nname = \"b\"\n", {"points 1 and 2", "same experiment"}},
           Case{head + "[point]\nname = \"a\"\n", {"line 2", "[[point]]"}},
           Case{head + "[random]\nnegatives = {min = 1, max = 2}\n", {"line 2", "draws = N"}},
           Case{head + "[random]\ndraws = 0\n", {"line 3", "random.draws", "from 1"}},
           Case{head + "[random]\ndraws = 2\n", {"line 2", "keys to draw"}},
           Case{head + "[random]\ndraws = 2\nnegatives = 3\n", {"line 4", "negatives", "min = A"}},
           Case{head + "[random]\ndraws = 2\nrate.conv = {min = 0, max = 1.0, log = true}\n", {"line 4", "above 0"}},
           Case{head + "[random]\ndraws = 2\nrate.conv = {min = 2.0, max = 1.0}\n", {"line 4", "min is 2"}},
           Case{head + "[random]\ndraws = 2\nrate.conv = {min = 1.0}\n", {"line 4", "min and max"}},
           Case{head + "[random]\ndraws = 2\nrule = {choices = []}\n", {"line 4", "rule.choices"}},
           Case{head + "[random]\ndraws = 2\nrule = {choices = [\"bp\"], min = 1}\n", {"line 4", "choices alone"}},
           Case{head + "[random]\ndraws = 2\nrate.conv = {min = 1.0, max = 2.0, steps = 3}\n", {"line 4", "steps"}},
           Case{head + "[base]\nmargins = 1979-05-27\n", {"line 3", "date or time"}},
           Case{head + "experiment = \"nowhere.toml\"\n", {"cannot read"}},
           Case{head + "experiment = \"a\"\npreset = \"b\"\n", {"line 2", "one of them"}},
           Case{head + "seeds = [1]\npreset = \"no-such\"\n", {"line 3", "preset"}},
           Case{head + "[grid\n", {"line 2, column"}},
       }) {
    const std::string message = refusal(text);
    CAPTURE(text);
    CAPTURE(message);
    for (const std::string& part : parts) CHECK_MESSAGE(contains(message, part), part);
  }
}

TEST_CASE("--shard is K/N") {
  CHECK(parse_shard("2/8").number == 2);
  CHECK(parse_shard("2/8").of == 8);
  for (const char* text : {"", "2", "0/3", "4/3", "1/", "/2", "a/b", "1/2/3", "-1/2"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_shard(text), InputError);
  }
}

TEST_CASE("studies that come with the program can be run") {
  const std::filesystem::path folder = std::filesystem::path(SACCADE_PROGRAM).parent_path() / "studies";
  std::size_t studies = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    CAPTURE(file.path());
    const Study study = load_study(file.path());
    CHECK(!study.question.empty());
    CHECK(study.seeds.size() >= 3);
    for (const StudyRun& run : study_runs(study)) {
      CHECK(run.experiment.probe.enabled == Experiment::ProbeWhen::yes);
      // Settings are compared on images that no one has learned from, never on the test file. The built-in world has
      // no file: its test stills show objects of their own.
      if (run.experiment.data == Experiment::Data::world) continue;
      CHECK(run.experiment.probe.test == Experiment::ProbeTest::train);
      CHECK((run.experiment.images > 0 && run.experiment.images <= run.experiment.probe.test_from));
    }
    ++studies;
  }
  CHECK(studies > 0);
}

}  // namespace saccade
