#include <doctest/doctest.h>
#include <fmt/format.h>

#include <ranges>
#include <regex>

#include "engine/checkpoint.h"
#include "engine/file_system.h"
#include "program/data_folders.h"
#include "program/program.h"
#include "tools/run/not_finite.h"

/// A number that is not finite stops a run where it is first seen, and the last good checkpoint stands.
namespace saccade::program {
namespace {

using Keys = std::vector<std::string>;

struct Case {
  const char* command;
  Keys keys;
  std::vector<std::string> said;  ///< where it was seen
};

const Keys small{"network.embedding=4", "images=60",      "probe.enabled=true",  "probe.images=20",
                 "probe.epochs=1",      "probe.batch=10", "probe.test_images=10"};
const char* linear = "network.layers=[{channels=3, pool=true, activation=\"none\"}, {channels=4, activation=\"none\"}]";
const char* bounded =
    "network.layers=[{channels=3, pool=true, activation=\"hardtanh\"}, {channels=4, activation=\"hardtanh\"}]";

const std::vector<Case> cases{
    {"replay",
     {linear, "events=300", "rate=1e10", "checkpoint.every=20", "schedule=rll"},
     {" views: layer ", ", distance: "}},
    {"replay", {linear, "events=300", "rate=1e10", "schedule=e2e"}, {" views: end to end, distance: "}},
    {"train",
     {linear, "epochs=30", "batch=10", "rate=1e10", "optimiser=sgd", "schedule=rll", "checkpoint.every=1"},
     {" steps: layer ", ": "}},
    {"train",
     {linear, "epochs=30", "batch=10", "loss=simclr", "rate=1e20", "optimiser=sgd"},
     {" steps: end to end, loss: "}},
};

Arguments line(const Case& one, const fs::path& data, const fs::path& out) {
  Arguments arguments{one.command, "--quiet", "--data", data.string(), "--out", out.string()};
  for (const Keys& keys : {small, one.keys})
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
  return arguments;
}

}  // namespace

TEST_CASE(
    "a number that is not finite stops a run, names event, layer and quantity, and spares the last good checkpoint") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 60, 20);
  for (const Case& one : cases) {
    CAPTURE(one.command);
    CAPTURE(one.keys);
    const fs::path out = temporary.path / "run";
    fs::remove_all(out);
    const Outcome outcome = run(line(one, temporary.path, out));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    CHECK(complaint(outcome).starts_with("saccade: "));
    const std::size_t stopped = outcome.err.find("saccade: stopped: diverged after ");
    REQUIRE(stopped != std::string::npos);
    const std::string said = outcome.err.substr(stopped);
    for (const std::string& part : one.said) CHECK_MESSAGE(contains(said, part), part);
    CHECK(contains(said, "is the last good one. Try smaller rates"));
    CHECK(count(said, "\n") == 1);
    const auto summary = json_of(out / "summary.json");
    CHECK(summary["diverged"] == true);
    CHECK(summary["interrupted"] == false);
    CHECK(contains(said, summary["divergence"]));
    CHECK(summary["probe"].empty());
    CHECK(summary["random_probe"].size() == 2);
    const std::uint64_t done = summary[one.command == std::string("replay") ? "events" : "updates"];
    CHECK(done < summary["length"]);
    CHECK(contains(said, "diverged after " + std::to_string(done) + " "));
    CHECK(contains(text_of(out / "report.html"), "diverged after " + std::to_string(done)));
    CHECK(contains(text_of(out / "metrics.csv"), "\n" + std::to_string(done) + ","));

    std::string warning;
    const auto newest = load_newest(real_files(), out, warning);
    REQUIRE(newest);
    CHECK(warning.empty());
    CHECK(not_finite(*newest).empty());
    CHECK(newest->event < done);
    CHECK(contains(said, "the checkpoint after " + std::to_string(newest->event) + " "));
    // It is where the run goes on, to the same end.
    const std::string metrics = text_of(out / "metrics.csv");
    const Outcome again = run({one.command, "--quiet", "--resume", out.string()});
    CHECK(again.code == 1);
    CHECK(contains(again.err, summary["divergence"]));
    CHECK(json_of(out / "summary.json")["fingerprint"] == summary["fingerprint"]);
    CHECK(text_of(out / "metrics.csv") == metrics);
  }
}

TEST_CASE("weights that are not finite stop a run at its next checkpoint, before any activity shows them") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 60, 20);
  const Keys overflowing{bounded, "rate.conv=3e38", "rate.head=0", "checkpoint.every=1"};
  const Keys hinge{"negative_weight=1e6", "margins=[0.1, 50]"};
  const Keys one_step_an_epoch{"images=20", "batch=20", "epochs=3", "optimiser=sgd"};
  const std::vector<std::vector<Keys>> unseen{
      {{"replay"}, hinge, {"events=300", "schedule=e2e"}},
      {{"train"}, hinge, one_step_an_epoch, {"schedule=e2e"}},
      {{"train"}, hinge, one_step_an_epoch, {"schedule=rll"}},
      {{"train"}, one_step_an_epoch, {"loss=simclr"}},
  };
  for (const std::vector<Keys>& parts : unseen) {
    const std::string command = parts.front().front();
    Case one{command.c_str(), overflowing, {}};
    for (const Keys& keys : parts | std::views::drop(1)) one.keys.insert(one.keys.end(), keys.begin(), keys.end());
    CAPTURE(command);
    CAPTURE(one.keys);
    const fs::path out = temporary.path / "run";
    fs::remove_all(out);
    const Outcome outcome = run(line(one, temporary.path, out));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 1);
    const bool replay = command == "replay";
    const std::uint64_t done = json_of(out / "summary.json")[replay ? "events" : "updates"];
    CHECK(std::regex_search(
        outcome.err,
        std::regex(fmt::format("diverged after {0} {1}: conv.0.weight: [0-9]+ of 27 values are not finite; "
                               "the checkpoint after {2} {1} is the last good",
                               done, replay ? "views" : "steps", done - 1))));
    const std::string metrics = text_of(out / "metrics.csv");
    CHECK(!contains(metrics, "nan"));
    CHECK(!contains(metrics, "inf"));
    CHECK(fs::exists(out / ("checkpoint-" + std::to_string(done - 1) + ".ckpt")));
    CHECK(!fs::exists(out / ("checkpoint-" + std::to_string(done) + ".ckpt")));
    const Outcome exported = run({"export", out.string(), "--out", (temporary.path / "w.safetensors").string()});
    CHECK(exported.code == 0);
    CHECK(contains(exported.err, "this is its last checkpoint before that, after " + std::to_string(done - 1)));
  }
}

TEST_CASE("a run whose loss ends far above that of a network that always sends the same is told of") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 60, 20);
  const auto said = [&](const char* command, const Keys& keys) {
    CAPTURE(keys);
    const fs::path out = temporary.path / "run";
    fs::remove_all(out);
    Arguments arguments{command, "--quiet", "--data", temporary.path.string(), "--out", out.string()};
    for (const Keys& part : {Keys{"network=conv3", "images=60", "probe.enabled=false"}, keys})
      for (const std::string& key : part) arguments = arguments + Arguments{"--set", key};
    const Outcome outcome = run(arguments);
    CHECK(outcome.code == 0);
    const auto summary = json_of(out / "summary.json");
    const std::string found = summary.value("divergence", "");
    CHECK(summary["diverged"] == false);
    CHECK(outcome.err == (found.empty()
                              ? ""
                              : "saccade: warning: " + found +
                                    "; try smaller rates, or margins that fit (saccade calibrate finds some)\n"));
    CHECK(contains(text_of(out / "report.html"), found));
    return found;
  };
  CHECK(std::regex_match(said("replay", {"events=200", "negatives=1", "rate.conv=10"}),
                         std::regex("after 200 views the loss, [0-9.]+, is more than twice what a network that "
                                    "sends the same for every view has at most, 1.05")));
  const Keys steps{"epochs=2", "batch=20", "optimiser=sgd"};
  CHECK(said("train", steps + Keys{"negatives=1", "rate.conv=10"}).starts_with("after 6 steps the loss, "));
  CHECK(said("replay", {"events=200"}) == "");
  CHECK(said("replay", {"events=200", "rate=1e-9"}) == "");
  CHECK(said("replay", {"events=200", "rate.conv=10", "negatives=0"}) == "");
  CHECK(said("train", steps) == "");
  CHECK(said("train", steps + Keys{"loss=simclr"}) == "");
}

}  // namespace saccade::program
