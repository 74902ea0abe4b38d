#include <doctest/doctest.h>

#include "engine/golden.h"
#include "program/program.h"

/// Run folders that version 0.1 left when it was killed, in tests/golden: every later version must go on with them, to
/// the bits that version 0.1 ended with. (A change that alters bits on purpose alters fingerprints of other tests too;
/// then a folder of that version stands beside these, and these must still be resumed without complaint.)
namespace saccade::program {
namespace {

const std::vector<std::string> keys{"data=world",           "world.size=16",
                                    "world.objects=16",     "world.train_stills=16",
                                    "world.test_stills=16", "network.layers=[{channels=2, pool=true}, {channels=2}]",
                                    "network.embedding=3",  "rate=1e-3",
                                    "optimiser=adam",       "rule=urf",
                                    "probe.enabled=false",  "measure.every=10",
                                    "measure.pairs=2"};

struct Killed {
  std::string command;
  std::vector<std::string> more;
  std::string checkpoint;  ///< where it was killed
};

const std::vector<Killed> all{
    {"replay",
     {"events=30", "checkpoint.every=15", "record.every=4", "memory.trace=exponential", "memory.noise=0.1"},
     "checkpoint-15.ckpt"},
    {"train", {"batch=4", "negatives=2", "epochs=6", "checkpoint.every=13", "schedule=rll"}, "checkpoint-39.ckpt"}};

/// The files of a killed run, and the fingerprint that it would have ended with.
void write(const Killed& one, const fs::path& to) {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  Arguments line{one.command, "--quiet", "--out", out.string()};
  for (const auto& list : {keys, one.more})
    for (const std::string& key : list) line = line + Arguments{"--set", key};
  const Outcome outcome = run(line);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  fs::create_directories(to);
  for (const char* name : {"experiment.toml", "metrics.csv", "events.trace"})
    if (fs::exists(out / name)) fs::copy_file(out / name, to / name);
  fs::copy_file(out / one.checkpoint, to / one.checkpoint);
  std::ofstream(to / "fingerprint.txt") << json_of(out / "summary.json")["fingerprint"].get<std::string>();
}

}  // namespace

TEST_CASE("golden runs: what version 0.1 left is gone on with, to the same bits") {
  const bool fused = run({"devices"}, {{"SACCADE_ISA", "avx2"}}).code == 0;
  for (const Killed& one : all) {
    CAPTURE(one.command);
    const fs::path golden =
        testing::golden_file("version-1-" + one.command, [&](const fs::path& to) { write(one, to); });
    const TemporaryFolder temporary;
    const fs::path out = temporary.path / "run";
    fs::copy(golden, out);
    const Outcome outcome = run({one.command, "--quiet", "--resume", out.string()});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    if (!fused) continue;  // no fused multiply-add: other bits
    CHECK(complaint(outcome) == "");
    CHECK(json_of(out / "summary.json")["fingerprint"] == text_of(golden / "fingerprint.txt"));
    // Nothing that the killed run had written is written otherwise.
    for (const char* name : {"metrics.csv", "events.trace"})
      if (fs::exists(golden / name)) CHECK(text_of(out / name).starts_with(text_of(golden / name).substr(0, 400)));
  }
}

}  // namespace saccade::program
