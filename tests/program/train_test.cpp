#include <doctest/doctest.h>

#include "program/data_folders.h"
#include "program/program.h"

/// `saccade train` as a user would run it.
namespace saccade::program {
namespace {

const std::vector<std::string> small{
    "network.layers=[{channels=8, pool=true, activation=\"tanh\"}, {channels=8, pool=true, activation=\"hardtanh\"}]",
    "network.embedding=16",
    "images=200",
    "batch=30",
    "epochs=3",
    "probe.enabled=false",
    "margins=[0.1, 2]"};

Arguments train(const fs::path& out, const std::vector<std::string>& keys = {}) {
  Arguments arguments{"train", "--quiet", "--out", out.string()};
  for (const auto* list : {&small, &keys})
    for (const std::string& key : *list) arguments = arguments + Arguments{"--set", key};
  return arguments;
}

/// Every loss, schedule, rule and optimiser that batch mode has.
const std::vector<std::vector<std::string>> configurations{
    {"loss=hinge", "schedule=e2e", "negatives=all", "negative_weight=1", "block=false"},
    {"loss=hinge", "schedule=rll", "rule=urf"},
    {"loss=hinge", "schedule=gll", "rule=rf", "optimiser=sgd", "rate=1e-4"},
    {"loss=simclr", "schedule=e2e", "rule=sign"},
    {"loss=simclr", "schedule=rll"},
    {"loss=supervised", "schedule=e2e"},
    {"loss=hinge", "schedule=e2e", "rule=dtp", "dtp.pretrain=3", "dtp.noise=0.05", "dtp.feedback_steps=2"},
    {"loss=supervised", "schedule=e2e", "rule=dtp"},
    {"loss=clapp", "schedule=gll"},
    {"loss=clapp", "schedule=e2e", "rule=rf", "clapp.update=asynchronous"},
};

std::string name_of(const std::vector<std::string>& keys) {
  std::string name;
  for (const std::string& key : keys) name += key + " ";
  return name;
}

}  // namespace

TEST_CASE("a training: the same bits for any number of threads, with AVX2 and AVX-512, and whoever listens") {
  const bool both =
      run({"devices"}, {{"SACCADE_ISA", "avx2"}}).code == 0 && run({"devices"}, {{"SACCADE_ISA", "avx512"}}).code == 0;
  std::vector<std::string> seen;
  for (const auto& configuration : configurations) {
    CAPTURE(name_of(configuration));
    auto fingerprint_of = [&](const Arguments& more, const Environment& environment = {}) {
      const TemporaryFolder temporary;
      const fs::path out = temporary.path / "out";
      const Outcome outcome = run(train(out, configuration) + more, environment);
      CAPTURE(outcome.err);
      REQUIRE(outcome.code == 0);
      return json_of(out / "summary.json")["fingerprint"].get<std::string>();
    };
    const std::string expected = fingerprint_of({"--threads", "1"});
    CHECK(fingerprint_of({"--threads", "5"}) == expected);
    if (both) CHECK(fingerprint_of({}, {{"SACCADE_ISA", "avx2"}}) == expected);
    CHECK(fingerprint_of({"--set", "checkpoint.every=4", "--set", "probe.enabled=true", "--set", "probe.every=5",
                          "--set", "probe.epochs=1", "--set", "probe.test_images=50"}) == expected);
    seen.push_back(expected);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("a training that is killed behind a checkpoint goes on to the same bits") {
  for (const auto& configuration : configurations) {
    CAPTURE(name_of(configuration));
    const TemporaryFolder temporary;
    const fs::path whole = temporary.path / "whole", killed = temporary.path / "killed";
    const std::vector<std::string> keys = [&] {
      std::vector<std::string> all = configuration;
      all.insert(all.end(), {"epochs=8", "checkpoint.every=5"});
      return all;
    }();
    REQUIRE(run(train(whole, keys)).code == 0);
    {
      Process process(train(killed, keys));
      REQUIRE(eventually([&] { return fs::exists(killed / "checkpoint-5.ckpt") || process.ended(); }));
      process.send(SIGKILL);
      process.wait();
    }
    const Outcome outcome = run({"train", "--quiet", "--resume", killed.string()});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const auto got = json_of(killed / "summary.json"), expected = json_of(whole / "summary.json");
    for (const char* key : {"fingerprint", "events", "updates", "epochs", "loss"}) CHECK(got[key] == expected[key]);
    CHECK(text_of(killed / "metrics.csv") == text_of(whole / "metrics.csv"));
  }
}

TEST_CASE("what a training leaves: loss per epoch, accuracies, a report") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 300, 100);
  const fs::path out = temporary.path / "out";
  const Arguments probe{"--data", temporary.path.string(), "--set", "probe.enabled=true", "--set", "probe.epochs=3"};
  REQUIRE(run(train(out, {"schedule=rll"}) + probe).code == 0);
  const auto summary = json_of(out / "summary.json");
  CHECK(summary["command"] == "train");
  CHECK(summary["epochs"] == 6);       // three for each of two layers
  CHECK(summary["updates"] == 6 * 6);  // 200 images make six batches of 30
  CHECK(summary["events"] == 36 * 60);
  CHECK(summary["pairs_per_second"] > 0);
  CHECK(summary["probe"].size() == 2);
  CHECK(summary["random_probe"].size() == 2);
  CHECK(summary["classifier"].empty());
  const std::string metrics = text_of(out / "metrics.csv");
  CHECK(metrics.starts_with("step,epoch,layer,quantity,value\n6,1,"));
  CHECK(count(metrics, ",loss,") >= 6);
  CHECK(contains(text_of(out / "report.html"), "epochs"));

  const fs::path classifier = temporary.path / "classifier";
  REQUIRE(run(train(classifier, {"loss=supervised", "epochs=60", "rate=1e-2", "view.kind=plain"}) + probe).code == 0);
  const auto own = json_of(classifier / "summary.json");
  REQUIRE(own["classifier"].size() == 1);
  CHECK(own["classifier"][0]["layer"] == 1);
  CHECK(own["classifier"][0]["accuracy"] > 0.5);  // a bar per class, ten classes
  CHECK(own["deformed_classifier"].size() == 1);
  CHECK(own["events"] == own["updates"].get<int>() * 30);  // one view a pair
}

TEST_CASE("the probe may read another data set, the top layer alone, and leave out what is not asked for") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 300, 100);
  fs::copy(temporary.path / "fashion-mnist", temporary.path / "mnist", fs::copy_options::recursive);
  const fs::path out = temporary.path / "out";
  REQUIRE(run(train(out, {"probe.enabled=true", "probe.data=mnist", "probe.layers=top", "probe.untrained=false",
                          "probe.pixels=false", "probe.epochs=2", "epochs=1"}) +
              Arguments{"--data", temporary.path.string()})
              .code == 0);
  const auto summary = json_of(out / "summary.json");
  REQUIRE(summary["probe"].size() == 1);
  CHECK(summary["probe"][0]["layer"] == 1);
  CHECK(contains(summary["probe"][0]["protocol"], "300 training images of mnist"));
  CHECK(summary["random_probe"].empty());
  CHECK(summary["pixels_probe"].empty());
}

TEST_CASE("CLAPP on patches of STL10: learns, resumes, and its checkpoint is probed as the run probed it") {
  const TemporaryFolder temporary;
  make_stl10(temporary.path, 40, 20, 24);
  const fs::path out = temporary.path / "out", again = temporary.path / "again", probed = temporary.path / "probed";
  const std::vector<std::string> keys{"data=stl10",
                                      "view.kind=grey-crop",
                                      "loss=clapp",
                                      "schedule=gll",
                                      "network.head_average=2",
                                      "images=0",
                                      "batch=5",
                                      "epochs=1",
                                      "checkpoint.every=2",
                                      "probe.enabled=true",
                                      "probe.epochs=1",
                                      "probe.images=40",
                                      "probe.untrained=false",
                                      "probe.deformed=false",
                                      "probe.pixels=false"};
  const Arguments data{"--data", temporary.path.string()};
  const Outcome outcome = run(train(out, keys) + data);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  const auto summary = json_of(out / "summary.json");
  CHECK(summary["updates"] == 8);  // 24 images make four batches of 5, for each of two layers
  REQUIRE(summary["probe"].size() == 2);
  CHECK(summary["probe"][1]["features"] == 8 * 8 * 8);  // a 64x64 view behind two pools and the average
  CHECK(contains(text_of(out / "metrics.csv"), ",positive_score,"));

  fs::create_directory(again);
  for (const char* file : {"experiment.toml", "metrics.csv", "data-folder.txt", "probes.csv"})
    fs::copy_file(out / file, again / file);
  REQUIRE(fs::exists(out / "checkpoint-6.ckpt"));
  fs::copy_file(out / "checkpoint-6.ckpt", again / "checkpoint-6.ckpt");
  REQUIRE(run({"train", "--quiet", "--resume", again.string()}).code == 0);
  CHECK(json_of(again / "summary.json")["fingerprint"] == summary["fingerprint"]);

  REQUIRE(run(Arguments{"probe", "--quiet", "--checkpoint", (out / "checkpoint-8.ckpt").string(), "--out",
                        probed.string()} +
              data)
              .code == 0);
  CHECK(json_of(probed / "summary.json")["probe"] == summary["probe"]);
}

TEST_CASE("a training that cannot be is refused, and nothing is left behind") {
  const TemporaryFolder temporary;
  make_cifar10(temporary.path);
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> cases{
      {{"batch=300"}, {"batch = 300", "200 images", "1 to 200"}},
      {{"loss=supervised", "schedule=gll"}, {"supervised", "e2e", "gll"}},
      {{"rule=dtp", "schedule=rll"}, {"dtp", "e2e", "rll"}},
      {{"rule=dtp", "loss=clapp"}, {"dtp", "clapp"}},
      {{"rule=dtp", "schedule=e2e", "network.layers=[{kind=\"local\", channels=4, pool=true}]"},
       {"dtp", "local", "conv"}},
      {{"dtp.pretrain=5"}, {"dtp.pretrain = 5", "bp"}},
      {{"negatives=30"}, {"negatives = 30", "at most 29", "all"}},
      {{"loss=simclr", "batch=1"}, {"simclr", "at least 2"}},
      {{"loss=simclr", "temperature=1e-300"}, {"temperature", "0.001"}},
      {{"loss=triplet"}, {"loss", "triplet", "simclr"}},
      {{"probe.enabled=true", "probe.data=cifar10"}, {"probe.data", "32x32x3", "28x28x1"}},
  };
  for (const auto& [keys, parts] : cases) {
    const fs::path out = temporary.path / "out";
    const Arguments arguments = train(out, keys) + Arguments{"--data", temporary.path.string()};
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK_FALSE(fs::exists(out));
  }
  for (const std::string key : {"loss=simclr", "negatives=all"}) {
    const Arguments arguments = replay(temporary.path / "out", {key});
    CHECK(refusal_fault(run(arguments), arguments, {"saccade train"}) == "");
  }
}

TEST_CASE("--data decides where data lie; then the folder that a run remembers; SACCADE_DATA comes last") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path / "good", 300, 100);
  const std::string good = (temporary.path / "good").string();
  const fs::path out = temporary.path / "out";
  for (const char* command : {"train", "replay"}) {
    const std::vector<std::string> mnist{"data=mnist", "epochs=1", "events=10"};
    const Arguments wrong = train(out, mnist) + Arguments{"--data", "/nowhere"};
    Arguments arguments = wrong;
    arguments[0] = command;
    fs::remove_all(temporary.path / "mnist-home");
    fs::create_directories(temporary.path / "mnist-home");
    fs::copy(temporary.path / "good" / "fashion-mnist", temporary.path / "mnist-home" / "mnist",
             fs::copy_options::recursive);
    const Environment environment{{"SACCADE_DATA", (temporary.path / "mnist-home").string()}};
    CHECK(refusal_fault(run(arguments, environment), arguments, {"/nowhere"}) == "");
    arguments.resize(arguments.size() - 2);
    CHECK(run(arguments, environment).code == 0);  // without the flag the variable counts
    const Outcome resumed = run({command, "--quiet", "--resume", out.string()}, {{"SACCADE_DATA", "/nowhere"}});
    CAPTURE(resumed.err);
    CHECK(resumed.code == 0);  // but not against what the run remembers
    fs::remove_all(out);
  }
}

TEST_CASE("a run is resumed by the command that made it") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "out";
  REQUIRE(run(train(out, {"epochs=1"})).code == 0);
  const Arguments arguments{"replay", "--resume", out.string()};
  CHECK(refusal_fault(run(arguments), arguments, {"not made by saccade replay", "saccade train --resume"}) == "");
}

}  // namespace saccade::program
