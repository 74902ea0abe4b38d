#include <doctest/doctest.h>

#include "engine/checkpoint.h"
#include "engine/file_system.h"
#include "program/data_folders.h"
#include "program/killed_run.h"

/// Promise 2: kill -9 at moments spread over an event run, a batch run and a study, each resumed to the same final
/// bits. Moments are counted in what happens to the files of the folder (made, written, renamed), never in seconds: a
/// killed run has done exactly so much. SACCADE_TEST_LONG=1: 50 moments each, else a few.
namespace saccade::program {
namespace {

/// The group, so that a study's runs die with it.
void kill_all(Process& process) {
  ::kill(-process.id(), SIGKILL);
  process.wait();
}

const Arguments own_group{"setsid"};

void kill_and_resume(const Arguments& begin, const Arguments& resume, std::size_t count) {
  const TemporaryFolder temporary;
  const fs::path data = temporary.path / "data", whole = temporary.path / "whole", out = temporary.path / "out";
  make_fashion_mnist(data, 120, 60);
  const auto line = [&](const Arguments& arguments, const fs::path& folder) {
    return arguments + Arguments{folder.string(), "--quiet", "--data", data.string()};
  };
  fresh(whole);
  std::size_t all = 0;
  {
    Watch watch(whole);
    Process process(line(begin, whole));
    watch.until(~std::size_t{0}, process);
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    all = watch.now();
  }
  const auto expected = result_of(whole);
  std::size_t killed = 0;
  for (std::size_t moment = 0; moment < count; ++moment) {
    CAPTURE(moment);
    CAPTURE(all);
    fresh(out);
    std::size_t at = 1 + moment * all / count;
    bool resumable = false;
    // Every third is killed a second time, while it goes on.
    for (int kills = moment % 3 == 2 ? 2 : 1; kills > 0; --kills, at = 1 + at / 2) {
      Watch watch(out);
      Process process(line(resumable ? resume : begin, out), {}, own_group);
      killed += watch.until(at, process);
      kill_all(process);
      if (watch.checkpoint() > 0) {
        std::string warning;
        const auto newest = load_newest(real_files(), out, warning);
        REQUIRE((newest || begin[0] == "sweep"));
        if (newest) REQUIRE(newest->event >= watch.checkpoint());
        CHECK(warning.empty());
      }
      resumable = fs::exists(out / "experiment.toml") || fs::exists(out / "sweep.toml");
      if (!resumable) break;
    }
    if (!resumable) fresh(out);  // nothing had begun
    const Outcome outcome = run(line(resumable ? resume : begin, out));
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    REQUIRE(result_of(out) == expected);
  }
  CHECK(killed >= count * 3 / 4);  // the others were over: how often a file was written is told in lumps
}

Arguments with(Arguments arguments, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
  return arguments + Arguments{"--out"};
}

const std::vector<std::string> small{
    "network.layers=[{channels=5, pool=true, activation=\"tanh\"}, {channels=9, activation=\"hardtanh\"}]",
    "network.embedding=6",
    "images=100",
    "schedule=rll",
    "rule=urf",
    "rate=1e-4",
    "optimiser=adam",
    "margins=[0.1, 2]",
    "probe.enabled=true",
    "probe.images=40",
    "probe.epochs=1",
    "probe.batch=20",
    "probe.deformed=false"};

}  // namespace

TEST_CASE("kill -9, counted in files: an event run") {
  const Arguments begin = with({"replay"}, [] {
    auto keys = small;
    for (const char* key : {"events=1500", "checkpoint.every=60", "record.every=25", "probe.every=500", "block=false"})
      keys.emplace_back(key);
    return keys;
  }());
  kill_and_resume(begin, {"replay", "--resume"}, moments(8));
}

TEST_CASE("kill -9, counted in files: a batch run") {
  const Arguments begin = with({"train"}, [] {
    auto keys = small;
    for (const char* key : {"batch=20", "epochs=8", "checkpoint.every=3", "probe.every=21"}) keys.emplace_back(key);
    return keys;
  }());
  kill_and_resume(begin, {"train", "--resume"}, moments(6));
}

TEST_CASE("kill -9, counted in files: a study") {
  const TemporaryFolder temporary;
  const fs::path study = temporary.path / "study.toml";
  std::ofstream(study) << R"(
title = "Killed"
seeds = [1, 2]
[base]
images = 100
events = 400
record.every = 50
checkpoint.every = 50
probe = {enabled = true, images = 40, epochs = 1, batch = 20, deformed = false}
network = {layers = [{channels = 4, pool = true, activation = "tanh"}], embedding = 8}
[grid]
negatives = [1, 2]
)";
  kill_and_resume({"sweep", study.string(), "--jobs", "2", "--out"}, {"sweep", "--resume"}, moments(4));
}

}  // namespace saccade::program
