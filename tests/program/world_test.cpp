#include <doctest/doctest.h>

#include "program/program.h"

/// Runs on the built-in world, which needs no data.
namespace saccade::program {
namespace {

const std::vector<std::string> small{
    "data=world",
    "world.size=16",
    "world.objects=320",
    "world.train_stills=160",
    "world.test_stills=64",
    "network.layers=[{channels=8, pool=true, activation=\"tanh\"}, {channels=8, pool=true, activation=\"hardtanh\"}]",
    "network.embedding=16",
    "margins=[0.1, 2]",
    "probe.enabled=true",
    "probe.epochs=2"};

Arguments with(Arguments arguments, const std::vector<std::string>& keys) {
  for (const auto* list : {&small, &keys})
    for (const std::string& key : *list) arguments = arguments + Arguments{"--set", key};
  return arguments;
}

}  // namespace

TEST_CASE("a replay of the world: along paths, probed on stills of new objects; stopped and resumed, the same bits") {
  const TemporaryFolder temporary;
  const std::vector<std::string> keys{"motion.path=trajectory", "stream.views=5", "events=400", "checkpoint.every=100"};
  const fs::path whole = temporary.path / "whole";
  REQUIRE(run(with({"replay", "--quiet", "--out", whole.string()}, keys)).code == 0);
  const nlohmann::json summary = json_of(whole / "summary.json");
  CHECK(summary["data"] == "world");
  CHECK(summary["events"] == 400);
  CHECK(summary["updates"].get<int>() > 0);
  REQUIRE(summary["probe"].size() >= 2);
  std::string protocols;
  for (const auto& result : summary["probe"]) protocols += result["protocol"].get<std::string>() + "\n";
  CAPTURE(protocols);
  CHECK(contains(protocols, "first 160 training images of world"));
  CHECK(contains(text_of(whole / "report.html"), "data:image/png"));

  const fs::path parts = temporary.path / "parts";
  {
    Process process(with({"replay", "--quiet", "--threads", "1", "--out", parts.string()}, keys));
    CHECK(eventually([&] { return fs::exists(parts / "checkpoint-200.ckpt") || process.ended(); }));
    process.send(SIGKILL);
    process.wait();
  }
  REQUIRE(run({"replay", "--quiet", "--resume", parts.string()}).code == 0);
  CHECK(json_of(parts / "summary.json")["fingerprint"] == summary["fingerprint"]);

  fs::path checkpoint;
  for (const auto& file : fs::directory_iterator(whole))
    if (file.path().extension() == ".ckpt") checkpoint = file.path();
  const fs::path probed = temporary.path / "probed";
  REQUIRE(run({"probe", "--quiet", "--checkpoint", checkpoint.string(), "--out", probed.string()}).code == 0);
  CHECK(json_of(probed / "summary.json")["random_probe"] == summary["random_probe"]);
}

TEST_CASE("trainings on the world: pairs of scenes, labels, and stills deformed as images are") {
  for (const std::vector<std::string>& keys :
       {std::vector<std::string>{"loss=simclr"}, {"loss=supervised"}, {"view.kind=affine-hsv"}, {"images=64"}}) {
    CAPTURE(keys[0]);
    const TemporaryFolder temporary;
    const fs::path out = temporary.path / "out";
    const Outcome outcome =
        run(with({"train", "--quiet", "--out", out.string(), "--set", "epochs=1", "--set", "batch=32"}, keys));
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const nlohmann::json summary = json_of(out / "summary.json");
    const int images = keys[0] == "images=64" ? 64 : keys[0] == "view.kind=affine-hsv" ? 160 : 320;
    CHECK(summary["updates"] == images / 32);
  }
}

TEST_CASE("what the world cannot do is refused with exit code 2") {
  const TemporaryFolder temporary;
  const auto refused = [&](const std::vector<std::string>& keys, const std::vector<std::string>& parts) {
    Arguments arguments{"replay", "--out", (temporary.path / "out").string()};
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK(!fs::exists(temporary.path / "out"));
  };
  refused({"data=world", "world.size=8"}, {"world.size", "8", "16 to 128"});
  refused({"data=world", "world.objects=0"}, {"world.objects"});
  refused({"data=world", "world.pose_spread=-1"}, {"world.pose_spread"});
  refused({"data=world", "motion.pose_time=0"}, {"motion.pose_time"});
  refused({"data=world", "world.sise=32"}, {"world.sise", "did you mean \"world.size\""});
  refused({"data=fashion-mnist", "view.kind=world"}, {"view.kind is \"world\"", "fashion-mnist"});
}

}  // namespace saccade::program
