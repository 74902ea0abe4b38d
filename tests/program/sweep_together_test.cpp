#include <doctest/doctest.h>

#include "program/study_fixture.h"

/// `saccade sweep --together`: runs that advance together leave what each leaves alone.
namespace saccade::program {
namespace {

/// The tiny study's base, with fixations of different lengths and everything that a run writes, and other points.
std::string varied(const std::string& keys, const std::string& points, int events = 260) {
  std::string text = tiny.substr(0, tiny.find("[grid]"));
  text.replace(text.find("events = 200"), 12, "events = " + std::to_string(events));
  text.replace(text.find("seeds = [1, 2]"), 14, "seeds = [1]");
  return text +
         "stream.views = 3\nstream.dwell = \"uniform\"\nprobe.every = 100\nmeasure.every = 90\n"
         "measure.pairs = 8\nmeasure.images = 20\n" +
         keys + points;
}

const std::string many_points = R"(
[grid]
memory.window = [0.25, inf]
negatives = [1, 4]
weights_seed = ["seed", 7]
[[point]]
name = "weight"
negative_weight = 0.9
[[point]]
name = "rates"
rate.conv = 0.01
rate.head = 0.002
)";
const std::string same_memory = R"(
[grid]
weights_seed = ["seed", 7]
negative_weight = [0.1, 0.9]
[[point]]
name = "rates"
rate.conv = 0.01
)";

/// A study that was run.
struct Made : StudyFixture {
  Made(const std::string& text, const Arguments& more, int code = 0) : StudyFixture(text) {
    const Outcome outcome = run(begin(more));
    INFO(outcome.err);
    REQUIRE(outcome.code == code);
  }
};

void check_same(const StudyFixture& one, const StudyFixture& other) {
  CHECK(one.results() == other.results());
  CHECK(text_of(one.out / "measures.csv") == text_of(other.out / "measures.csv"));
  for (const auto& run : fs::directory_iterator(one.out / "runs"))
    for (const char* file : {"experiment.toml", "metrics.csv", "probes.csv", "events.trace"}) {
      const fs::path name = run.path().filename();
      CAPTURE(name);
      CAPTURE(file);
      const std::string text = text_of(run.path() / file);
      CHECK(!text.empty());
      CHECK(text == text_of(other.out / "runs" / name / file));
    }
}

/// Of how many runs one process wrote the log.
std::size_t logs_of(const StudyFixture& fixture) {
  std::size_t n = 0;
  for (const auto& log : fs::directory_iterator(fixture.out / "logs")) n += log.is_regular_file();
  return n;
}

}  // namespace

TEST_CASE("runs that advance together leave the bytes that each leaves alone") {
  for (const auto& [keys, points, processes] :
       {std::tuple{std::string("schedule = \"rll\"\nrule = \"rf\"\n"), many_points, 1},
        {"schedule = \"pll\"\noptimiser = \"adam\"\nmemory.trace = \"exponential\"\nmemory.noise = 0.2\n", many_points,
         1},
        {"schedule = \"gll\"\nrule = \"bp\"\nrate.final = 0.1\nerror = \"circuit\"\n", many_points, 1},
        {"schedule = \"e2e\"\nrule = \"urf\"\nblock = false\nmemory.window = 0.5\n", same_memory, 1},
        {"memory.mode = \"held\"\nnegatives = 2\nactivity = \"covariance\"\n", same_memory, 1},
        // Without the blocked gradient windows and negatives part the study into four.
        {"schedule = \"e2e\"\nblock = false\n", many_points.substr(0, many_points.find("[[point]]")), 4}}) {
    CAPTURE(keys);
    const Made together(varied(keys, points), {"--together", "16", "--jobs", "2"});
    CHECK(logs_of(together) == static_cast<std::size_t>(processes));
    check_same(Made(varied(keys, points), {"--together", "1", "--jobs", "2"}), together);
  }
}

TEST_CASE("runs that advance together were killed: together or alone they go on to the same bytes") {
  const std::string text = varied("", many_points, 4000);
  const Made undisturbed(text, {"--together", "1", "--jobs", "2"});
  StudyFixture fixture(text);
  const auto fourth = fixture.out / "runs" / "004-window-0.25-negatives-4-weights-seed-7-seed-1";
  const auto stands_behind = [&](const char* view) {
    return fs::exists(fourth / ("checkpoint-" + std::string(view) + ".ckpt"));
  };
  {
    Process process(fixture.begin({"--together", "16"}));
    REQUIRE(eventually([&] { return stands_behind("400"); }));
    process.send(SIGKILL);
    CHECK(process.wait().signal == SIGKILL);
  }
  CHECK(fixture.finished() == 0);
  {
    Process process(fixture.resume({"--together", "16"}));
    REQUIRE(eventually([&] { return stands_behind("1200"); }));
    process.send(SIGINT);
    const Outcome outcome = process.wait();
    CHECK(outcome.code == 130);
    CHECK(contains(outcome.err, "go on with: saccade sweep --resume"));
  }
  // One of them alone to its end, whose results the study then takes.
  const Outcome alone = run({"replay", "--resume", fourth.string(), "--quiet"});
  INFO(alone.err);
  REQUIRE(alone.code == 0);
  const Outcome rest = run(fixture.resume({"--together", "5", "--jobs", "2"}));
  INFO(rest.err);
  REQUIRE(rest.code == 0);
  check_same(undisturbed, fixture);
}

TEST_CASE("a run that diverges or collapses among others ends alone") {
  std::string study = varied("measure.collapse = 0.95\n",
                             "[grid]\nrate = [0, 1e-2, 1e25]\nweights_seed = [1, 2]\n[[point]]\nname = \"plain\"\n");
  study.replace(study.find("\"tanh\""), 6, "\"none\"");
  const Made together(study, {"--together", "8"});
  CHECK(logs_of(together) == 1);
  check_same(Made(study, {"--together", "1"}), together);
  for (const char* state : {",diverged,", ",collapsed,", ",finished,"})
    CHECK_MESSAGE(contains(together.results(), state), state);
}

TEST_CASE("what cannot advance together is refused") {
  const Made fixture(varied("", same_memory), {"--together", "1"});
  const auto refuses = [&](const Arguments& members, const std::vector<std::string>& parts) {
    Arguments arguments = fixture.resume();
    for (const std::string& member : members) arguments = arguments + Arguments{"--member", member};
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
  };
  const std::string first = "001-weights-seed-seed-negative-weight-0.1-seed-1",
                    second = "002-weights-seed-seed-negative-weight-0.9-seed-1";
  refuses({"unknown"}, {"--member unknown", "no run of"});
  fs::remove(fixture.out / "runs" / first / "checkpoint-260.ckpt");
  refuses({first, second}, {"not of the same view"});
  const Arguments arguments = fixture.begin({"--together", "-1"});
  CHECK(refusal_fault(run(arguments), arguments, {"--together"}) == "");
}

TEST_CASE("weights_seed: other weights, the same views; by default the seed's own") {
  const TemporaryFolder folder;
  const Arguments base{"--quiet",
                       "--set",
                       "data=world",
                       "--set",
                       "world.objects=16",
                       "--set",
                       "world.size=16",
                       "--set",
                       "network.layers=[{channels=4, activation=\"tanh\"}]",
                       "--set",
                       "rule=rf"};
  const auto made_by = [&](const std::string& command, const std::string& name, const Arguments& keys) {
    const fs::path out = folder.path / (command + name);
    Arguments arguments{command, "--out", out.string()};
    arguments = arguments + base;
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
    const Outcome outcome = run(arguments);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return json_of(out / "summary.json")["fingerprint"].get<std::string>();
  };
  for (const std::string command : {"replay", "train"}) {
    const std::string length = command == "replay" ? "events=60" : "epochs=1";
    const auto print = [&](const std::string& name, const Arguments& keys) {
      return made_by(command, name, keys + Arguments{length, "batch=4", "negatives=2"});
    };
    const std::string absent = print("absent", {"seed=5"});
    CHECK(print("same", {"seed=5", "weights_seed=5"}) == absent);
    CHECK(print("word", {"seed=5", "weights_seed=seed"}) == absent);
    CHECK(print("other", {"seed=5", "weights_seed=6"}) != absent);
  }
  CHECK(contains(text_of(folder.path / "replayabsent" / "experiment.toml"), "weights_seed = \"seed\""));
  CHECK(contains(text_of(folder.path / "replayother" / "experiment.toml"), "weights_seed = 6"));
  const Arguments wrong{"replay", "--set", "weights_seed=-2", "--out", (folder.path / "wrong").string()};
  CHECK(refusal_fault(run(wrong), wrong, {"weights_seed", "\"seed\""}) == "");
}

}  // namespace saccade::program
