#include <doctest/doctest.h>
#include <sys/stat.h>

#include <optional>

#include "program/study_fixture.h"
#include "tools/xml.h"

/// `saccade sweep`: a study is the same however it is run.
namespace saccade::program {

TEST_CASE("a study's table: the same bytes for any number of jobs, every run as it is alone") {
  const StudyFixture two;
  const Outcome outcome = run(two.begin({"--jobs", "2"}));
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(contains(outcome.out, "8 of 8 runs finished"));
  CHECK(two.results() == whole().results());

  const std::vector<std::string> lines = lines_of(two.results());
  REQUIRE(lines.size() == 1 + 8 * 2);  // one layer, plain and deformed
  CHECK(lines[0].starts_with("run,point,memory.window,negatives,seed,status,"));
  CHECK(
      lines[1].starts_with("001-window-0.5-negatives-1-seed-1,window-0.5-negatives-1,0.5,1,1,finished,replay,world,"));
  CHECK(lines_of(text_of(two.out / "costs.csv")).size() == 1 + 8);

  // Alone, without what the study shares between its runs.
  for (const auto& [name, keys] :
       {std::pair{names[0] + "-seed-1", std::vector<std::string>{"memory.window=0.5", "negatives=1", "seed=1"}},
        std::pair{names[3] + "-seed-2", std::vector<std::string>{"memory.window=inf", "negatives=2", "seed=2"}}}) {
    CAPTURE(name);
    const fs::path base = two.folder.path / "base.toml", alone = two.folder.path / name;
    const std::size_t from = tiny.find("data ="), to = tiny.find("[grid]");
    std::ofstream(base) << tiny.substr(from, to - from);
    Arguments arguments{"replay", base.string(), "--quiet", "--out", alone.string()};
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
    REQUIRE(run(arguments).code == 0);
    const auto expected = json_of(alone / "summary.json"), found = json_of(two.out / "runs" / name / "summary.json");
    for (const char* key : {"fingerprint", "loss", "probe", "random_probe", "pixels_probe", "deformed_probe",
                            "deformed_random_probe", "updates"}) {
      CAPTURE(key);
      REQUIRE(expected.contains(key));
      CHECK(found[key] == expected[key]);
    }
    CHECK(text_of(two.out / "runs" / name / "metrics.csv") == text_of(alone / "metrics.csv"));
    CHECK(text_of(two.out / "runs" / name / "experiment.toml") == text_of(alone / "experiment.toml"));
    CHECK(contains(two.results(), expected["fingerprint"].get<std::string>()));
  }
}

TEST_CASE("the page of a study stands alone, its plots are files too") {
  const std::string page = text_of(whole().out / "report.html");
  for (const char* part :
       {"<h1>Tiny</h1>", "Is it the same however it is run?", "8 of 8 runs finished", "<svg", "memory.window",
        "window 0.5, negatives 1", "Raw pixels", "Protocol", "checkpoint.every = 40"})
    CHECK_MESSAGE(contains(page, part), part);
  for (const char* part : {"<script", "src=", "href=", "nan", whole().folder.path.c_str()})
    CHECK_MESSAGE(!contains(page, part), part);
  std::size_t plots = 0;
  for (const auto& file : fs::directory_iterator(whole().out / "plots")) {
    CAPTURE(file.path());
    const std::string svg = text_of(file.path());
    CHECK(xml_fault(svg) == "");
    CHECK(contains(svg, "<style>"));
    ++plots;
  }
  CHECK(plots == 2 + 4);  // plain and deformed, a loss for each point
}

TEST_CASE("untrained networks and pixels are probed once for each seed") {
  std::size_t files = 0;
  for (const auto& file : fs::directory_iterator(whole().out / "baselines")) {
    CHECK(file.path().extension() == ".csv");
    ++files;
  }
  CHECK(files == 4);
  // A wrong value in the cache shows in every run that takes from it: so they do take from it.
  const TemporaryFolder folder;
  const fs::path cache = folder.path / "cache";
  const Arguments keys{"--set", "data=world",
                       "--set", "world.objects=16",
                       "--set", "world.train_stills=40",
                       "--set", "world.test_stills=20",
                       "--set", "network.layers=[{channels=4, activation=\"tanh\"}]",
                       "--set", "probe.enabled=true",
                       "--set", "probe.epochs=1",
                       "--set", "events=20",
                       "--set"};
  const auto replay_with = [&](const char* name, const char* key) {
    const fs::path out = folder.path / name;
    REQUIRE(run(Arguments{"replay", "--quiet", "--out", out.string(), "--baselines", cache.string()} + keys +
                Arguments{key})
                .code == 0);
    return json_of(out / "summary.json")["random_probe"][0]["accuracy"].get<double>();
  };
  const double accuracy = replay_with("first", "negatives=1");
  for (const auto& file : fs::directory_iterator(cache)) {
    std::string text = text_of(file.path());
    const std::string from = "untrained,plain,0,";
    if (!contains(text, from)) continue;
    const std::size_t at = text.find(',', text.find(from) + from.size()) + 1;
    text.replace(at, text.find(',', at) - at, "0.125125");
    std::ofstream(file.path()) << text;
  }
  for (const char* key : {"negatives=2", "memory.window=0.1", "rate=1e-5", "loss=hinge", "schedule=gll", "events=30"}) {
    CAPTURE(key);
    CHECK(replay_with(key, key) == 0.125125);
  }
  CHECK(replay_with("again", "seed=1") == 0.125125);
  for (const char* key : {"seed=2", "probe.epochs=2", "probe.images=30", "view.kind=plain", "network.head_average=2",
                          "probe.standardise=false", "world.seed=5", "arithmetic=fast", "probe.test_images=15"}) {
    CAPTURE(key);
    CHECK(replay_with(key, key) != 0.125125);
  }
  CHECK(accuracy != 0.125125);
}

TEST_CASE("a study that was killed goes on: what is finished is kept, what was begun is resumed") {
  const StudyFixture fixture(longer);
  {
    Process process(fixture.begin({"--jobs", "2"}));
    REQUIRE(eventually([&] { return fixture.finished() >= 3 || process.ended(); }));
    process.send(SIGKILL);
    CHECK(process.wait().signal == SIGKILL);
  }
  REQUIRE(fixture.finished() >= 3);
  REQUIRE(fixture.finished() < 8);
  std::map<std::string, fs::file_time_type> kept;
  for (const auto& one : fs::directory_iterator(fixture.out / "runs"))
    if (const fs::path summary = one.path() / "summary.json"; fs::exists(summary))
      kept[summary.string()] = fs::last_write_time(summary);
  const Outcome outcome = run(fixture.resume());
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(fixture.results() == longer_results());
  for (const auto& [summary, time] : kept) CHECK(fs::last_write_time(summary) == time);
  // Nothing is left to do: the same again.
  CHECK(run(fixture.resume()).code == 0);
  CHECK(fixture.results() == longer_results());
}

TEST_CASE("long work says how far it is") {
  std::string endless = tiny;
  endless.replace(endless.find("events = 200"), 12, "events = 1000000000");
  const StudyFixture fixture(endless);
  const fs::path err = fixture.folder.path / "err";
  const Arguments to_file{"/bin/sh", "-c", "exec \"$@\" 2>'" + err.string() + "'", "sh"};
  const auto says = [&](const Arguments& arguments, const std::vector<std::string>& parts) {
    Process process(arguments, {}, to_file);
    for (const std::string& part : parts) CHECK_MESSAGE(eventually([&] { return contains(text_of(err), part); }), part);
    process.send(SIGINT);
    CHECK(process.wait().code == 130);
  };
  says({"sweep", fixture.file.string(), "--out", fixture.out.string(), "--jobs", "1"},
       {"sweep: 0 of 8 runs done, 1 running\n"});
  says({"replay", "--out", (fixture.folder.path / "run").string(), "--set", "data=world", "--set", "events=1000000000",
        "--set", "world.train_stills=40", "--set", "probe.enabled=false"},
       {"replay:   0 %  ", "/1000000000 views  ", "/s  ", " left"});
}

TEST_CASE("Ctrl-C: every run that was at work leaves a checkpoint to go on from") {
  const StudyFixture fixture(longer);
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    const std::size_t before = fixture.finished();
    Process process(fixture.finished() == 0 ? fixture.begin({"--jobs", "2"}) : fixture.resume({"--jobs", "2"}));
    REQUIRE(eventually([&] { return fixture.finished() > before || process.ended(); }));
    process.send(signal);
    const Outcome outcome = process.wait();
    INFO(outcome.err);
    CHECK(outcome.code == 130);
    CHECK(contains(outcome.err, "saccade sweep --resume " + fixture.out.string()));
    CHECK((contains(outcome.out, "unfinished") || contains(outcome.out, "not begun")));
    for (const auto& one : fs::directory_iterator(fixture.out / "runs")) {
      CAPTURE(one.path());
      REQUIRE(fs::exists(one.path() / "summary.json"));
      CHECK(run({"inspect", (one.path() / "events.trace").string()}).code == 0);
    }
    CHECK(lines_of(fixture.results()).size() > 8);
  }
  CHECK(run(fixture.resume()).code == 0);
  CHECK(fixture.results() == longer_results());
}

TEST_CASE("parts of a study, each on its own, come to the whole") {
  const StudyFixture fixture;
  const Outcome first = run(fixture.begin({"--shard", "1/3"}));
  CHECK(first.code == 0);
  CHECK(fixture.finished() == 3);
  CHECK(!fs::exists(fixture.out / "results.csv"));
  // Runs 1, 4 and 7.
  for (const char* name :
       {"001-window-0.5-negatives-1-seed-1", "002-window-0.5-negatives-2-seed-2", "004-window-inf-negatives-2-seed-1"})
    CHECK(fs::exists(fixture.out / "runs" / name / "summary.json"));
  const Outcome early = run({"sweep", "--merge", fixture.out.string()});
  CHECK(early.code == 1);
  CHECK(contains(early.out, "3 of 8 runs finished, 5 not begun"));
  CHECK(contains(early.out, names[3] + "-seed-2: missing"));
  CHECK(contains(fixture.results(), names[3] + "-seed-2,window-inf-negatives-2,inf,2,2,missing,"));
  {
    // Side by side, one as a newcomer, one as a resumption.
    Process second(fixture.begin({"--shard", "2/3"})), third(fixture.resume({"--shard", "3/3"}));
    CHECK(second.wait().code == 0);
    CHECK(third.wait().code == 0);
  }
  const Outcome merged = run({"sweep", "--merge", fixture.out.string(), "--json"});
  CHECK(merged.code == 0);
  CHECK(nlohmann::json::parse(merged.out)["finished"] == 8);
  CHECK(fixture.results() == whole().results());
}

TEST_CASE("parts that begin at the same time share one folder") {
  const StudyFixture fixture;
  std::vector<std::unique_ptr<Process>> parts;
  for (const char* part : {"1/4", "2/4", "3/4", "4/4"})
    parts.push_back(std::make_unique<Process>(fixture.begin({"--shard", part})));
  for (const auto& part : parts) {
    const Outcome outcome = part->wait();
    INFO(outcome.err);
    CHECK(outcome.code == 0);
  }
  CHECK(run({"sweep", "--merge", fixture.out.string()}).code == 0);
  CHECK(fixture.results() == whole().results());
}

TEST_CASE("a run that fails is told, the others go on") {
  std::string text = tiny;
  text += "loss = [\"hinge\", \"simclr\"]\n";  // event mode refuses the second
  const StudyFixture fixture(text);
  const Outcome outcome = run(fixture.begin());
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.out, "8 of 16 runs finished, 8 failed"));
  CHECK(contains(outcome.err, "run 002-window-0.5-negatives-1-loss-simclr-seed-1 failed: loss = \"simclr\""));
  std::size_t failed = 0;
  for (const std::string& line : lines_of(fixture.results()))
    if (contains(line, ",failed,")) {
      CHECK(contains(line, ",simclr,"));
      CHECK(contains(line, "event mode learns from the contrastive hinge"));
      ++failed;
    }
  CHECK(failed == 8);
  // They are tried again.
  CHECK(run(fixture.resume()).code == 1);
}

TEST_CASE("runs that diverged count in no mean and no plot, and the counts add up") {
  std::string text = tiny;
  text.replace(text.find("negatives = [1, 2]"), 18, "rate = [1e-3, 1e12]\n");
  text.replace(text.find("\"tanh\""), 6, "\"none\"");
  const StudyFixture fixture(text);
  const Outcome outcome = run(fixture.begin());
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "4 of 8 runs finished, 4 diverged\n"));
  CHECK(contains(fixture.results(), "002-window-0.5-rate-1000000000000.0-seed-1,"));
  CHECK(contains(fixture.results(), "0.5,1000000000000.0,1,diverged,replay,"));
  CHECK(!contains(fixture.results(), "nan"));
  const std::string page = text_of(fixture.out / "report.html");
  CHECK(contains(page, "<td>diverged</td>"));
  CHECK(count(page, ">0, 2 of 2 diverged</td>") == 2);
  CHECK(count(page, ">2</td>") == 2 + 2);  // seeds of the other points, and the second point's number in two tables
  CHECK(!contains(page, "nan"));
  std::size_t losses = 0;
  for (const auto& file : fs::directory_iterator(fixture.out / "plots"))
    losses += file.path().filename().string().starts_with("loss-") ? 1 : 0;
  CHECK(losses == 2);
  CHECK(run(fixture.resume()).code == 0);  // again would be the same
  const Outcome json = run({"sweep", "--merge", fixture.out.string(), "--json"});
  CHECK(json.code == 0);
  const auto counts = nlohmann::json::parse(json.out);
  CHECK(counts["finished"] == 4);
  CHECK(counts["diverged"] == 4);
}

TEST_CASE("measures reach the answer: a file with the first and last of each, a table on the page") {
  std::string text = tiny;
  text.replace(text.find("probe.enabled = true"), 20,
               "probe.enabled = false\nmeasure = {every = 100, pairs = 20, images = 20, knn = 3, similarity = "
               "\"classes\"}");
  const StudyFixture fixture(text);
  const Outcome outcome = run(fixture.begin());
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const std::vector<std::string> lines = lines_of(text_of(fixture.out / "measures.csv"));
  REQUIRE(lines.size() > 8 * 10);
  CHECK(lines[0] == "run,point,memory.window,negatives,seed,status,layer,quantity,first,last,event");
  // The values of metrics.csv, to the last digit.
  const std::string name = names[0] + "-seed-1";
  std::map<std::string, std::string> metrics;  // "event,layer,quantity" to value
  for (const std::string& row : lines_of(text_of(fixture.out / "runs" / name / "metrics.csv"))) {
    const std::size_t time = row.find(','), layer = row.find(',', time + 1), value = row.rfind(',');
    metrics[row.substr(0, time) + row.substr(layer, value - layer)] = row.substr(value + 1);
  }
  const std::string front = name + ",window-0.5-negatives-1,0.5,1,1,finished,";
  for (const char* quantity : {"0,knn_accuracy", "0,similarity_within", "0,participation_ratio"}) {
    CAPTURE(quantity);
    REQUIRE(metrics.contains("0," + std::string(quantity)));
    const std::string row = front + quantity + "," + metrics["0," + std::string(quantity)] + "," +
                            metrics["200," + std::string(quantity)] + ",200";
    CHECK(std::find(lines.begin(), lines.end(), row) != lines.end());
  }
  CHECK(contains(text_of(fixture.out / "measures.csv"), front + "0,conv_step,,"));  // not defined at event 0
  for (const std::string& line : lines) CHECK(!contains(line, "distance"));
  const std::string page = text_of(fixture.out / "report.html");
  for (const char* part : {"<h2>Measures, layer 0</h2>", ">knn_accuracy</th>", ">participation_ratio</th>", " → "})
    CHECK_MESSAGE(contains(page, part), part);
  // Nothing was probed: layers all the same.
  const std::vector<std::string> rows = lines_of(fixture.results());
  REQUIRE(rows.size() == 1 + 8);
  for (const std::string& row : rows)
    if (row != rows[0]) CHECK(contains(row, ",0,,,,,,"));  // layer 0, no test, no accuracies
  const std::string distance = metrics["200,0,positive_distance"];
  REQUIRE(!distance.empty());
  CHECK(contains(rows[1], "," + distance + ","));
}

TEST_CASE("a run that measure.collapse stopped has ended, with its numbers") {
  const StudyFixture fixture(R"(
title = "Collapse"
seeds = [1]
[base]
data = "world"
world = {objects = 32, train_stills = 40, test_stills = 20, size = 16}
network = {layers = [{channels = 4, pool = true, activation = "tanh"}], embedding = 8}
events = 300
record.every = 50
measure = {every = 100, pairs = 20, collapse = 1e6}
[grid]
measure.on_collapse = ["stop", "warn"]
)");
  const Outcome outcome = run(fixture.begin());
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "1 of 2 runs finished, 1 collapsed\n"));
  CHECK(contains(outcome.out, "001-on-collapse-stop-seed-1: collapsed: collapse after "));
  const std::vector<std::string> rows = lines_of(fixture.results());
  REQUIRE(rows.size() == 1 + 2);
  CHECK(contains(rows[1], ",stop,1,collapsed,replay,"));
  CHECK(contains(rows[1], "variance of the embedding"));
  CHECK(contains(rows[2], ",warn,1,finished,replay,"));
  CHECK(contains(text_of(fixture.out / "measures.csv"), ",stop,1,collapsed,0,participation_ratio,"));
  const std::string page = text_of(fixture.out / "report.html");
  CHECK(contains(page, "0, 1 of 1 collapsed</td>"));
  CHECK(contains(page, "<td>collapsed</td><td>collapse after"));
  const fs::path summary = fixture.out / "runs/001-on-collapse-stop-seed-1/summary.json";
  const auto time = fs::last_write_time(summary);
  CHECK(run(fixture.resume()).code == 0);
  CHECK(fs::last_write_time(summary) == time);  // or it would have gone on to the next measurement
  CHECK(run({"sweep", "--merge", fixture.out.string()}).code == 0);
}

TEST_CASE("damaged run folders fail, with what to do, and the others go on") {
  const StudyFixture fixture;
  REQUIRE(run(fixture.begin({"--shard", "1/2"})).code == 0);
  const fs::path runs = fixture.out / "runs";
  // Runs 1, 3, 5, 7 of 8 have seed 1.
  std::ofstream(runs / (names[0] + "-seed-1") / "summary.json") << "";
  std::ofstream(runs / (names[1] + "-seed-1") / "metrics.csv") << "nonsense\n";
  std::ofstream(runs / (names[2] + "-seed-1") / "experiment.toml") << "events = \n";
  // A whole row less: it can be read, and is not what the run left.
  const fs::path rows = runs / (names[3] + "-seed-1") / "metrics.csv";
  const std::string text = text_of(rows);
  fs::resize_file(rows, text.rfind('\n', text.size() - 2) + 1);
  CHECK(run({"sweep", "--merge", fixture.out.string()}).code == 1);
  for (int again = 0; again < 2; ++again) {
    const Outcome outcome = run(fixture.resume());
    CHECK(outcome.code == 1);
    CHECK(contains(outcome.out, "4 of 8 runs finished, 4 failed\n"));
    for (const auto& [name, file] : {std::pair{names[0], "summary.json"},
                                     {names[1], "metrics.csv"},
                                     {names[2], "experiment.toml"},
                                     {names[3], "metrics.csv"}}) {
      CAPTURE(name);
      const std::string run_folder = (runs / (name + "-seed-1")).string();
      CHECK(contains(outcome.err, "run " + name + "-seed-1 failed: " + run_folder + "/" + file));
      CHECK(contains(outcome.out, "remove the folder " + run_folder + " and go on with saccade sweep --resume"));
    }
    CHECK(!contains(outcome.err, "json.exception"));
  }
  for (const std::string& name : names) fs::remove_all(runs / (name + "-seed-1"));
  // Opening a FIFO would wait for its reader; a log is made anew.
  const fs::path log = fixture.out / "logs" / (names[0] + "-seed-1.log");
  fs::remove(log);
  REQUIRE(::mkfifo(log.c_str(), 0600) == 0);
  CHECK(run(fixture.resume()).code == 0);
  CHECK(fs::is_regular_file(log));
  CHECK(fixture.results() == whole().results());
  // Another run's summary, and one whose checkpoints were removed to save room.
  const auto folder_of = [&](int i) { return runs / (names[static_cast<std::size_t>(i)] + "-seed-2"); };
  fs::copy_file(folder_of(0) / "summary.json", folder_of(1) / "summary.json", fs::copy_options::overwrite_existing);
  for (const auto& file : fs::directory_iterator(folder_of(2)))
    if (file.path().extension() == ".ckpt") fs::remove(file);
  const Outcome swapped = run(fixture.resume());
  CHECK(swapped.code == 1);
  CHECK(contains(swapped.out, "7 of 8 runs finished, 1 failed\n"));
  CHECK(contains(swapped.err, (folder_of(1) / "summary.json").string() + ": its fingerprint is "));
}

TEST_CASE("a run whose process is killed has failed, and goes on when it is asked to") {
  // Two runs, long enough to be met behind their first checkpoints on a busy machine.
  std::string text = longer;
  for (const auto& [from, to] :
       {std::pair{"seeds = [1, 2]", "seeds = [1]"}, {"[0.5, inf]", "[0.5]"}, {"events = 6000", "events = 12000"}})
    text.replace(text.find(from), std::string(from).size(), to);
  const StudyFixture undisturbed(text), fixture(text);
  REQUIRE(run(undisturbed.begin()).code == 0);
  const fs::path first = fixture.out / "runs" / (names[0] + "-seed-1");
  const auto learning = [&] {
    if (!fs::exists(first)) return false;
    for (const auto& file : fs::directory_iterator(first))
      if (file.path().extension() == ".ckpt" && file.path().stem() != "checkpoint-0") return true;
    return false;
  };
  Process process(fixture.begin({"--jobs", "1"}));
  REQUIRE(eventually([&] { return learning() || process.ended(); }));
  const std::string id = std::to_string(process.id());
  pid_t child = 0;  // the only one
  REQUIRE((std::ifstream("/proc/" + id + "/task/" + id + "/children") >> child));
  ::kill(child, SIGKILL);
  const Outcome outcome = process.wait();
  REQUIRE(!fs::exists(first / "summary.json"));
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, "run " + names[0] + "-seed-1 failed: ended by signal 9"));
  CHECK(contains(outcome.out, "1 of 2 runs finished, 1 failed"));
  const auto begun = fs::last_write_time(first / "data-folder.txt");
  CHECK(run(fixture.resume()).code == 0);
  CHECK(fs::last_write_time(first / "data-folder.txt") == begun);  // not begun anew
  CHECK(!contains(text_of(fixture.out / "logs" / (names[0] + "-seed-1.log")), "begins at its first event"));
  CHECK(fixture.results() == undisturbed.results());
}

TEST_CASE("sweep refuses what it cannot do, and leaves everything as it was") {
  const StudyFixture fixture;
  const std::string study = fixture.file.string(), out = fixture.out.string(), done = whole().out.string();
  const fs::path other = fixture.folder.path / "other.toml", bad = fixture.folder.path / "bad.toml";
  std::ofstream(other) << "title = \"Other\"\n";
  std::ofstream(bad) << "title = \"Bad\"\n[grid]\nmemory.windw = [1]\n";
  const auto before = everything_in(fixture.folder.path);
  for (const auto& [arguments, parts] : {
           std::pair{Arguments{"sweep"}, std::vector<std::string>{"which study", "--list"}},
           {Arguments{"sweep", study}, {"--out DIR"}},
           {Arguments{"sweep", "nonsense", "--out", out}, {"no study \"nonsense\"", "--list"}},
           {Arguments{"sweep", "nowhere.toml", "--out", out}, {"nowhere.toml", "cannot read"}},
           {Arguments{"sweep", bad.string(), "--out", out}, {"line 3", "memory.windw", "memory.window"}},
           {Arguments{"sweep", study, "--out", done}, {"not empty"}},
           {Arguments{"sweep", study, "--resume", done}, {"--resume DIR goes on"}},
           {Arguments{"sweep", "--resume", out}, {"no sweep.toml"}},
           {Arguments{"sweep", other.string(), "--out", done, "--shard", "1/2"}, {"another study"}},
           {Arguments{"sweep", study, "--out", out, "--shard", "3/2"}, {"--shard 3/2", "K from 1 to N"}},
           {Arguments{"sweep", "--merge", out}, {"--merge", "no sweep.toml"}},
           {Arguments{"sweep", study, "--merge", done}, {"--merge DIR stands alone"}},
           {Arguments{"sweep", study, "--out", out, "--jobs", "-1"}, {"--jobs"}},
           {Arguments{"sweep", study, "--out", out, "--cpus", "4"}, {"--cpus belongs to --slurm"}},
           {Arguments{"sweep", study, "--out", out, "--memory", "2G"}, {"--memory belongs to --slurm"}},
           {Arguments{"sweep", study, "--out", out, "--sbatch", "--x=y"}, {"--sbatch belongs to --slurm"}},
           {Arguments{"sweep", "--merge", done, "--slurm"}, {"--merge DIR stands alone"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--memory", "16"}, {"--memory 16:", "16G"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--memory", "0G"}, {"--memory 0G:"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--memory", "16 GB"}, {"--memory 16 GB:"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--time", "2h"}, {"--time 2h:", "days-hours"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--time", "1:2:3:4"}, {"--time 1:2:3:4:"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--sbatch", "account=me"}, {"--sbatch account=me:"}},
           {Arguments{"sweep", study, "--out", out, "--slurm", "--tasks", "9"}, {"--tasks 9:", "at most 8"}},
       })
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
  CHECK(everything_in(fixture.folder.path) == before);
}

TEST_CASE("--device cuda without a GPU is refused once, before there is a folder") {
  const StudyFixture fixture;
  const Arguments arguments = fixture.begin({"--device", "cuda"});
  const Outcome outcome = run(arguments, {{"CUDA_VISIBLE_DEVICES", ""}});
  CHECK(refusal_fault(outcome, arguments, {"--device cuda: ", "use --device cpu"}) == "");
  CHECK(!fs::exists(fixture.out));
  // The machine that submits needs none.
  CHECK(run(fixture.begin({"--device", "cuda", "--slurm"}), {{"CUDA_VISIBLE_DEVICES", ""}}).code == 0);
}

TEST_CASE("a study whose file was edited in its folder is not taken for what it was") {
  const StudyFixture fixture;
  REQUIRE(run(fixture.begin()).code == 0);
  std::string text = text_of(fixture.out / "sweep.toml");
  text.replace(text.find("[1, 2]\n[base]"), 6, "[2, 1]");  // only another order: the same runs
  std::ofstream(fixture.out / "sweep.toml") << text;
  CHECK(run(fixture.resume()).code == 0);
  text.replace(text.find("inf]"), 3, "9.0");
  std::ofstream(fixture.out / "sweep.toml") << text;
  const Outcome other = run(fixture.resume());  // runs under new names
  CHECK(other.code == 0);
  const std::string left =
      "003-window-inf-negatives-1-seed-1, 003-window-inf-negatives-1-seed-2, "
      "004-window-inf-negatives-2-seed-1, 004-window-inf-negatives-2-seed-2";
  CHECK(contains(other.out, "no longer in the study, left out: " + left + "\n"));
  CHECK(contains(text_of(fixture.out / "report.html"), left));
  CHECK(fs::exists(fixture.out / "runs" / "004-window-9.0-negatives-2-seed-1"));
  text.replace(text.find("events = 200"), 12, "events = 201");
  std::ofstream(fixture.out / "sweep.toml") << text;
  for (const Arguments& arguments : {fixture.resume(), Arguments{"sweep", "--merge", fixture.out.string()}})
    CHECK(refusal_fault(run(arguments), arguments, {"001-window-0.5-negatives-1-seed-2", "was it edited?"}) == "");
}

TEST_CASE("two sweeps of one folder at the same time") {
  const StudyFixture fixture(longer);
  Process process(fixture.begin());
  REQUIRE(eventually([&] { return fs::exists(fixture.out / "runs") || process.ended(); }));
  const Arguments again = fixture.resume();
  CHECK(refusal_fault(run(again), again, {"another process is at work"}) == "");
}

TEST_CASE("studies that come with the program are listed") {
  const Outcome outcome = run({"sweep", "--list"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "window-negatives: "));
  CHECK(contains(outcome.out, "?"));
}

}  // namespace saccade::program
