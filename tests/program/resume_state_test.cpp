#include <doctest/doctest.h>

#include <random>
#include <set>

#include "engine/checkpoint.h"
#include "engine/file_system.h"
#include "program/data_folders.h"
#include "program/program.h"
#include "tools/experiment/experiment_keys.h"

/// Design.md, promise 1: the same bits across save and resume at any event, for everything that has state. A run that
/// was killed behind a checkpoint is made from a finished one: its last checkpoint, summary and report are taken away,
/// and the files that grow are left too long, as a kill leaves them.
namespace saccade::program {
namespace {

using Keys = std::vector<std::string>;

struct Data {
  TemporaryFolder temporary;
  Data() {
    make_fashion_mnist(temporary.path, 120, 60);
    for (const bool pixels : {false, true}) {
      Arguments line{"pack",   "--quiet",
                     "--data", temporary.path.string(),
                     "--set",  "images=90",
                     "--set",  "events=61",
                     "--set",  "stream.views=3",
                     "--set",  "stream.dwell=geometric",
                     "--out",  (temporary.path / (pixels ? "pixels.views" : "recipes.views")).string()};
      const Outcome packed = run(pixels ? line + Arguments{"--pixels"} : line);
      CAPTURE(packed.err);
      REQUIRE(packed.code == 0);
    }
  }
};

const fs::path& data_folder() {
  static const Data data;
  return data.temporary.path;
}

const Keys small{
    "network.layers=[{channels=5, pool=true, activation=\"tanh\"}, {channels=9, stride=2, activation=\"hardtanh\"}]",
    "network.embedding=6", "images=90", "margins=[0.1, 2]", "probe.enabled=false"};

/// Checkpoints at 35, in the middle of a stretch of metrics.csv and behind the first view of a fixation, and 61.
const Keys event_mode{"events=61", "checkpoint.every=35", "record.every=10", "rate=1e-3"};
/// 4 batches an epoch, 12 steps or (layer-wise) 24: checkpoints at 7 or 21, in the middle of an epoch, and at the end.
const Keys batch_mode{"batch=20", "epochs=3", "checkpoint.every=7"};

struct Row {
  const char* command;
  Keys keys;
};

std::vector<Row> rows() {
  std::vector<Row> all;
  const auto event = [&](Keys keys) { all.push_back({"replay", std::move(keys)}); };
  const auto batch = [&](Keys keys) { all.push_back({"train", std::move(keys)}); };
  for (const std::string schedule : {"e2e", "gll", "rll"})
    for (const std::string rule : {"bp", "rf", "urf", "sign", "sign-forward"})
      event({"schedule=" + schedule, "rule=" + rule});
  for (const std::string schedule : {"e2e", "rll"})
    for (const std::string block : {"true", "false"})
      for (const std::string memory : {"sliding", "held"})
        event({"schedule=" + schedule, "block=" + block, "memory.mode=" + memory, "memory.window=1.3", "optimiser=adam",
               "stream.views=3", "rule=urf"});
  event({"schedule=pll", "rule=rf", "rate.final=0"});
  event({"schedule=pll", "block=false", "activity=covariance", "average_views=9", "optimiser=adam"});
  event({"schedule=e2e", "activity=covariance", "average_views=5", "rate.final=0.3", "stream.positives=shuffled"});
  for (const std::string trace : {"exponential", "synaptic", "synaptic-peak"})
    for (const std::string acts : {"scale", "gate"})
      event(
          {"memory.trace=" + trace, "memory.trace_acts=" + acts, "memory.noise=0.5", "schedule=pll", "stream.views=3"});
  event({"memory.trace=exponential", "memory.trace_time=0.4", "memory.noise=2", "memory.mode=held", "block=false"});
  event({"error=circuit", "circuit.noise=0.3", "circuit.threshold_error=0.2", "memory.trace=synaptic", "rule=rf"});
  event({"memory.capacity=2", "stream.dwell=uniform", "stream.views=4"});
  event({"stream.dwell=geometric", "stream.views=3", "stream.returns=0.4", "stream.return_depth=3"});
  event({"stream.order=blocked", "stream.returns=0.3", "memory.mode=held"});
  event({"stream.order=fixed", "negatives=0"});
  event({"motion.path=trajectory", "stream.views=4", "stream.frame_rate=10", "schedule=rll"});
  event({"motion.path=trajectory", "stream.dwell=geometric", "stream.returns=0.4", "block=false"});
  event({"arithmetic=fast", "schedule=rll", "optimiser=adam"});
  event({"record.events=false", "negatives=7"});
  event({"layer_weights=[1, 3]", "rule=sign"});
  event({"weights_seed=7", "rule=rf"});
  event(
      {"network.layers=[{channels=3, pool=true, activation=\"relu\"}, {kind=\"local\", channels=4, stride=2, "
       "activation=\"none\"}]",
       "rate=1e-4", "rule=rf", "rate.final=0.5", "optimiser=adam"});
  event({"network.head_average=2", "rate.conv=[1e-3, 1e-4]", "rate.head=[1e-4, 1e-3]", "negative_weight=0.5"});
  event({"stream.dwell=geometric", "stream.switch_probability=0.3", "stream.fixation=0.5", "stream.frame_rate=5"});
  event({"motion.path=trajectory", "motion.warp_time=0.2", "motion.colour_time=0.3", "motion.warp_spread=0.5",
         "motion.colour_spread=2", "stream.views=3"});
  event({"memory.trace=synaptic", "memory.facilitation_time=0.7", "memory.recovery_time=0.4", "memory.utilisation=0.3",
         "memory.burst=2", "memory.burst_rate=20"});
  for (const std::string path : {"independent", "trajectory"})
    event({"data=world", "world.size=16", "world.objects=32", "world.paints=3", "world.seed=2", "world.pose_spread=inf",
           "world.place_spread=0.5", "world.light_spread=0.3", "world.train_stills=20", "world.test_stills=10",
           "motion.path=" + path, "motion.pose_time=0.5", "motion.light_time=0.7", "stream.views=4", "rate=1e-4"});
  event({"data=world", "world.size=16", "world.train_stills=40", "measure.every=20", "measure.images=20",
         "measure.factors=true", "measure.knn=2", "measure.knn_metric=euclidean", "rate=1e-4"});
  event({"stream.file=DATA/recipes.views", "rule=urf"});
  event({"data=none", "stream.file=DATA/pixels.views", "schedule=pll"});
  for (const std::string kind : {"plain", "rotate-scale-shift"}) event({"view.kind=" + kind, "seed=6"});
  for (const std::string rule : {"bp", "rf"})
    event({"seed=3", "schedule=rll", "rule=" + rule, "measure.every=10", "measure.pairs=5"});
  event({"seed=3", "schedule=e2e", "block=false", "measure.every=35", "measure.pairs=5"});
  event({"seed=5", "schedule=rll", "rule=sign", "measure.every=10", "measure.pairs=5", "measure.images=20",
         "measure.knn=3", "measure.similarity=classes", "measure.collapse=1e-6"});
  event({"negatives=3", "probe.enabled=true", "probe.every=15", "probe.images=40", "probe.batch=20", "probe.epochs=2"});

  for (const std::string schedule : {"e2e", "gll", "rll"})
    for (const std::string loss : {"hinge", "simclr", "clapp"}) batch({"schedule=" + schedule, "loss=" + loss});
  for (const std::string rule : {"rf", "urf", "sign", "sign-forward"})
    for (const std::string optimiser : {"adam", "sgd"})
      batch({"rule=" + rule, "optimiser=" + optimiser, "rate=1e-4", "schedule=rll"});
  batch({"loss=supervised"});
  batch({"loss=supervised", "optimiser=sgd", "rate=1e-3", "rule=rf"});
  batch({"negatives=all", "block=false", "arithmetic=exact"});
  batch({"rule=dtp", "dtp.noise=0.05", "dtp.feedback_steps=2", "dtp.pretrain=2"});
  batch({"rule=dtp", "dtp.pretrain=14", "epochs=1", "checkpoint.every=9"});  // stopped while it pretrains
  batch({"rule=dtp", "loss=supervised"});
  batch({"rule=dtp", "loss=simclr", "optimiser=sgd", "rate=1e-3"});
  batch({"loss=clapp", "schedule=e2e", "rule=rf", "clapp.update=asynchronous"});
  batch({"motion.path=trajectory"});
  batch({"rule=dtp", "dtp.feedback_rate=0.01", "dtp.target_step=0.5"});
  batch({"loss=simclr", "temperature=0.5", "schedule=rll", "layer_weights=[2, 1]"});
  batch({"loss=clapp", "clapp.update=synchronous", "seed=8"});
  for (const std::string loss : {"hinge", "simclr", "clapp"})
    batch({"seed=3", "loss=" + loss, "schedule=rll", "measure.every=3", "measure.pairs=5"});
  batch({"seed=3", "rule=dtp", "dtp.pretrain=2", "measure.every=3", "measure.pairs=5"});
  batch({"seed=5", "loss=simclr", "rule=rf", "measure.every=3", "measure.pairs=5", "measure.images=20",
         "measure.similarity=images", "measure.similarity_images=4"});
  batch({"seed=4", "probe.enabled=true", "probe.every=5", "probe.images=40", "probe.batch=20", "probe.epochs=2",
         "loss=supervised"});
  return all;
}

std::vector<Keys> keys_of(const Row& row) {
  return {small, row.command == std::string("replay") ? event_mode : batch_mode, row.keys};
}

/// DATA is the folder of the data sets.
std::string with_data(std::string key) {
  if (const std::size_t at = key.find("DATA/"); at != std::string::npos) key.replace(at, 4, data_folder().string());
  return key;
}

std::string name_of(const Row& row) {
  std::string name = row.command;
  for (const std::string& key : row.keys) name += " " + key;
  return name;
}

std::vector<unsigned long> checkpoints_in(const fs::path& folder) {
  std::vector<unsigned long> events;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".ckpt") events.push_back(std::stoul(entry.path().filename().string().substr(11)));
  std::sort(events.begin(), events.end());
  return events;
}

/// What a kill between the last two checkpoints would have left.
void make_killed(const fs::path& whole, const fs::path& killed) {
  fs::copy(whole, killed);
  for (const char* file : {"summary.json", "report.html"}) fs::remove(killed / file);
  fs::remove(killed / ("checkpoint-" + std::to_string(checkpoints_in(killed).back()) + ".ckpt"));
}

}  // namespace

TEST_CASE("resumed in the middle: the same bits, for everything that has state") {
  std::map<std::string, std::string> seen;
  for (const Row& row : rows()) {
    CAPTURE(name_of(row));
    const TemporaryFolder temporary;
    const fs::path whole = temporary.path / "whole", killed = temporary.path / "killed";
    Arguments arguments{row.command, "--quiet", "--data", data_folder().string(), "--out", whole.string()};
    for (const Keys& keys : keys_of(row))
      for (const std::string& key : keys) arguments = arguments + Arguments{"--set", with_data(key)};
    const Outcome made = run(arguments);
    CAPTURE(made.err);
    REQUIRE(made.code == 0);
    const auto expected = json_of(whole / "summary.json");
    REQUIRE(expected["diverged"] == false);
    REQUIRE(expected["updates"] > 0);

    make_killed(whole, killed);
    const std::vector<unsigned long> left = checkpoints_in(killed);
    REQUIRE(left.size() == 1);
    CHECK(left[0] % 2 == 1);
    const Outcome resumed = run({row.command, "--quiet", "--resume", killed.string(), "--threads", "3"});
    CAPTURE(resumed.err);
    REQUIRE(resumed.code == 0);
    CHECK(complaint(resumed).empty());  // a run that began again would say so
    const auto got = json_of(killed / "summary.json");
    for (const char* key : {"fingerprint", "events", "updates", "epochs", "loss", "probe", "deformed_probe",
                            "random_probe", "classifier"}) {
      CAPTURE(key);
      if (got[key].is_array()) REQUIRE(got[key].size() == expected[key].size());
      CHECK(got[key] == expected[key]);
    }
    for (const char* file : {"metrics.csv", "similarity.csv", "events.trace", "probes.csv"}) {
      CAPTURE(file);
      CHECK(fs::exists(killed / file) == fs::exists(whole / file));
      CHECK(text_of(killed / file) == text_of(whole / file));
    }
    // Every row is another experiment: none of its keys was without effect.
    const auto [other, is_new] = seen.try_emplace(expected["fingerprint"], name_of(row));
    CHECK_MESSAGE(is_new, "the same as " << other->second);
  }
}

TEST_CASE("every key and every choice of a key has a row, or a reason why it needs none") {
  // What a run only reads, or only tells: nothing of it is carried over from one unit of work to the next.
  const std::map<std::string, std::string> stateless{
      {"data", "read only; the built-in world and recordings have rows"},
      {"folder.path", "a data set"},
      {"folder.height", "a data set"},
      {"folder.width", "a data set"},
      {"folder.channels", "a data set"},
      {"folder.fit", "a data set"},
      {"folder.classes", "a data set"},
      {"view.kind", "a view is a function of its recipe; those that cut need larger or colour images"},
      {"stream.hash", "found in stream.file"},
      {"stream.shape", "found in stream.file"},
      {"stream.arrives", "served runs are killed and resumed in serve_test.cpp"},
      {"stream.streams", "served runs are killed and resumed in serve_test.cpp"},
      {"measure.on_collapse", "what a stopped run does next (measures_test.cpp)"},
      {"measure.collapse_of", "of one measurement (collapse_test.cpp)"},
      {"probe.data", "a probe begins anew each time"},
      {"probe.layers", "a probe begins anew each time"},
      {"probe.untrained", "a probe begins anew each time"},
      {"probe.rate", "a probe begins anew each time"},
      {"probe.standardise", "a probe begins anew each time"},
      {"probe.test", "a probe begins anew each time"},
      {"probe.test_from", "a probe begins anew each time"},
      {"probe.test_images", "a probe begins anew each time"},
      {"probe.deformed", "a probe begins anew each time"},
      {"probe.deformation", "a probe begins anew each time"},
      {"probe.deformation_strength", "a probe begins anew each time"},
      {"probe.pixels", "a probe begins anew each time"},
  };
  std::set<std::string> names, choices;
  for (const Row& row : rows())
    for (const Keys& keys : keys_of(row))
      for (const std::string& key : keys) {
        choices.insert(key);
        for (std::string name = key.substr(0, key.find('='));; name = name.substr(0, name.rfind('.'))) {
          names.insert(name);
          if (name.find('.') == std::string::npos) break;
        }
      }
  const Experiment defaults = load_experiment({});
  for (const keys::Key& key : keys::table()) {
    CAPTURE(key.name);
    if (stateless.contains(key.name)) continue;
    if (const auto* choice = std::get_if<keys::Choice>(&key.type)) {
      for (const std::string& word : choice->words)
        CHECK_MESSAGE((choices.contains(key.name + "=" + word) || experiment_word(defaults, key.name) == word),
                      word << " has no row: add one, or say why it needs none");
    } else {
      CHECK_MESSAGE(names.contains(key.name), "no row sets it: add one, or say why it needs none");
    }
  }
  for (const auto& [name, reason] : stateless) CHECK_MESSAGE(keys::find(name), name << " is no key any more");
}

TEST_CASE("a training that SIGINT or SIGTERM interrupts: a usable checkpoint, and the same bits from there") {
  const char* given = std::getenv("SACCADE_TEST_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const auto& [signal, keys] :
       std::vector<std::pair<int, Keys>>{{SIGINT, {"schedule=rll", "rule=urf"}},
                                         {SIGTERM, {"rule=dtp", "dtp.noise=0.05", "dtp.pretrain=9"}},
                                         {SIGINT, {"loss=clapp", "schedule=gll"}},
                                         {SIGTERM, {"loss=supervised"}}}) {
    const Row row{"train", keys};
    CAPTURE(name_of(row));
    const TemporaryFolder temporary;
    const auto arguments = [&](const fs::path& out) {
      Arguments all{"train", "--quiet", "--data", data_folder().string(), "--out", out.string()};
      for (const Keys& list : {small, batch_mode, keys, Keys{"epochs=60", "checkpoint.every=0"}})
        for (const std::string& key : list) all = all + Arguments{"--set", key};
      return all;
    };
    const fs::path whole = temporary.path / "whole", stopped = temporary.path / "stopped";
    REQUIRE(run(arguments(whole)).code == 0);
    Outcome outcome;
    for (double longest = 0.1; outcome.code != 130 && longest > 1e-4; longest /= 3) {  // until it comes in time
      fs::remove_all(stopped);
      Process process(arguments(stopped));
      REQUIRE(eventually([&] { return fs::exists(stopped / "checkpoint-0.ckpt") || process.ended(); }));
      std::this_thread::sleep_for(std::chrono::duration<double>(std::uniform_real_distribution<>(0, longest)(random)));
      process.send(signal);
      outcome = process.wait();
    }
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 130);
    CHECK(contains(outcome.out, "saccade train --resume " + stopped.string()));
    const auto summary = json_of(stopped / "summary.json"), expected = json_of(whole / "summary.json");
    CHECK(summary["interrupted"] == true);
    CHECK(summary["length"] == expected["updates"]);
    CHECK(summary["updates"] <= expected["updates"]);
    REQUIRE(run({"train", "--quiet", "--resume", stopped.string()}).code == 0);
    CHECK(json_of(stopped / "summary.json")["fingerprint"] == expected["fingerprint"]);
    CHECK(text_of(stopped / "metrics.csv") == text_of(whole / "metrics.csv"));
  }
}

TEST_CASE("the check of resumption detects a state that differs") {
  const TemporaryFolder temporary;
  const fs::path whole = temporary.path / "whole", killed = temporary.path / "killed";
  Arguments arguments{"replay", "--quiet", "--data", data_folder().string(), "--out", whole.string()};
  for (const Keys& keys : {small, event_mode})
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
  REQUIRE(run(arguments).code == 0);
  make_killed(whole, killed);
  // A weight is another one from here on.
  std::string warning;
  std::optional<Checkpoint> state = load_newest(real_files(), killed, warning);
  REQUIRE(state);
  state->tensors.front().data.front() += 0.5f;
  save_generation(real_files(), killed, *state);
  REQUIRE(run({"replay", "--quiet", "--resume", killed.string()}).code == 0);
  CHECK(json_of(killed / "summary.json")["fingerprint"] != json_of(whole / "summary.json")["fingerprint"]);
  CHECK(text_of(killed / "metrics.csv") != text_of(whole / "metrics.csv"));
}

}  // namespace saccade::program
