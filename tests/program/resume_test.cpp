#include <doctest/doctest.h>
#include <sys/mount.h>

#include <random>

#include "engine/file_system.h"
#include "engine/record_file.h"
#include "program/data_folders.h"
#include "program/program.h"

/// Design.md, promise 2: whatever ends a run, `replay --resume DIR` goes on to the same final bits.
namespace saccade::program {
namespace {

using Clock = std::chrono::steady_clock;

/// A run of about a second in which everything has state: learned feedback, Adam's moments, memory, a layer per event.
const std::vector<std::string> experiment{
    "network.layers=[{channels=8, pool=true, activation=\"tanh\"}, {channels=8, pool=true, activation=\"hardtanh\"}]",
    "network.embedding=16",
    "images=500",
    "events=8000",
    "schedule=rll",
    "rule=urf",
    "optimiser=adam",
    "rate=1e-4",
    "record.every=250",
    "checkpoint.every=700",
    "measure.every=900",
    "measure.pairs=7",
    "probe.enabled=false",
    "block=false",
    "margins=[0.5, 2]"};

/// Type and payload of every record of a trace; the test fails when there is damage in it.
std::vector<std::string> records_of(const fs::path& file) {
  RecordReader reader(real_files(), file, "trace");
  std::vector<std::string> records;
  while (const auto record = reader.next())
    records.push_back(std::to_string(record->type) + ":" + std::string(record->payload.begin(), record->payload.end()));
  CHECK(reader.damage().empty());
  return records;
}

/// A seed from the command line (SACCADE_TEST_SEED=N) or a fresh one, told when the test fails.
unsigned test_seed() {
  const char* given = std::getenv("SACCADE_TEST_SEED");
  return given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

struct Reference {
  TemporaryFolder temporary;
  fs::path out = temporary.path / "whole";
  double seconds = 0;

  Reference() {
    const auto begin = Clock::now();
    REQUIRE(run(replay(out, experiment)).code == 0);
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
};

/// The run that nothing disturbed, made once.
const Reference& whole() {
  static const Reference reference;
  return reference;
}

void check_same_as_whole(const fs::path& out) {
  const auto summary = json_of(out / "summary.json"), expected = json_of(whole().out / "summary.json");
  for (const char* key : {"fingerprint", "events", "updates", "loss", "seed", "interrupted"}) {
    CAPTURE(key);
    CHECK(summary[key] == expected[key]);
  }
  CHECK(text_of(out / "metrics.csv") == text_of(whole().out / "metrics.csv"));
  CHECK(records_of(out / "events.trace") == records_of(whole().out / "events.trace"));
  CHECK(text_of(out / "experiment.toml") == text_of(whole().out / "experiment.toml"));
  for (const auto& entry : fs::directory_iterator(out)) CHECK(entry.path().extension() != ".tmp");
}

Outcome resume(const fs::path& out, const Arguments& more = {}) {
  return run(Arguments{"replay", "--quiet", "--resume", out.string()} + more);
}

/// Newest first.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<std::pair<unsigned long, fs::path>> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("checkpoint-") && name.ends_with(".ckpt"))
      found.emplace_back(std::stoul(name.substr(11)), entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<fs::path> files;
  for (const auto& [event, file] : found) files.push_back(file);
  return files;
}

/// Starts a run and sends it a signal at a random moment after its first checkpoint. Again, earlier, when it was over
/// before that.
Outcome run_with_signal(const fs::path& out, int signal, std::mt19937& random, const Arguments& more = {}) {
  double fraction = 0.7;
  for (int attempt = 0;; ++attempt) {
    Process process(replay(out, experiment) + more);
    REQUIRE(eventually([&] { return fs::exists(out / "checkpoint-0.ckpt") || process.ended(); }));
    const double seconds = std::uniform_real_distribution<>(0, fraction * whole().seconds)(random);
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    process.send(signal);
    const Outcome outcome = process.wait();
    if (outcome.code != 0 || attempt == 10) return outcome;
    fs::remove_all(out);
    fraction /= 2;
  }
}

void flip(const fs::path& file) {
  std::string bytes = text_of(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("SIGINT and SIGTERM: a usable checkpoint, and how to go on") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    const TemporaryFolder temporary;
    const fs::path out = temporary.path / "run";
    const Outcome outcome = run_with_signal(out, signal, random);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 130);
    CHECK(contains(outcome.out, "saccade replay --resume " + out.string()));
    CHECK(outcome.err.empty());
    const auto summary = json_of(out / "summary.json");
    CHECK(summary["interrupted"] == true);
    CHECK(summary["events"] <= 8000);  // all, when the signal came between the last event and the report
    CHECK(fs::exists(out / "report.html"));
    CHECK(run({"inspect", checkpoints_in(out).front().string()}).code == 0);
    // The folder alone is enough, and neither threads nor another interruption matter.
    const Outcome resumed = resume(out, {"--threads", "5"});
    CHECK(resumed.code == 0);
    CHECK(resumed.err.empty());
    check_same_as_whole(out);
  }
}

TEST_CASE("interrupted again and again, between any two events") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", expected = temporary.path / "expected";
  // Every other event is a saccade: a run must not lose one or see one twice.
  const std::vector<std::string> keys{"network.layers=[{channels=1, pool=true}]",
                                      "network.embedding=1",
                                      "images=100",
                                      "events=60000",
                                      "stream.views=1",
                                      "memory.mode=held",
                                      "memory.window=1",
                                      "checkpoint.every=0",
                                      "probe.enabled=false"};
  REQUIRE(run(replay(expected, keys)).code == 0);
  int interruptions = 0;
  for (Arguments arguments = replay(out, keys);; arguments = {"replay", "--quiet", "--resume", out.string()}) {
    Process process(arguments);
    REQUIRE(eventually([&] { return fs::exists(out / "checkpoint-0.ckpt") || process.ended(); }));
    std::this_thread::sleep_for(std::chrono::duration<double>(std::uniform_real_distribution<>(0.02, 0.05)(random)));
    // Later ones are let run to the end.
    if (interruptions < 25) process.send(SIGINT);
    const Outcome outcome = process.wait();
    if (outcome.code == 0) break;
    ++interruptions;
  }
  WARN(interruptions >= 5);  // on a busy machine the run is sometimes over before
  CHECK(json_of(out / "summary.json")["fingerprint"] == json_of(expected / "summary.json")["fingerprint"]);
  CHECK(text_of(out / "metrics.csv") == text_of(expected / "metrics.csv"));
  CHECK(records_of(out / "events.trace") == records_of(expected / "events.trace"));
}

TEST_CASE("a second SIGINT ends the program at once") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  // Each view takes tens of milliseconds, long enough for the second signal to arrive while the first one waits to be
  // noticed.
  Process process(replay(out, {"network.layers=[{channels=256}, {channels=256}, {channels=256}]", "images=20",
                               "events=100000", "checkpoint.every=0", "probe.enabled=false"}) +
                  Arguments{"--threads", "1"});
  REQUIRE(eventually([&] { return fs::exists(out / "checkpoint-0.ckpt") || process.ended(); }));
  REQUIRE(!process.ended());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto catches_interrupts = [&] {
    const std::string status = text_of("/proc/" + std::to_string(process.id()) + "/status");
    const std::size_t at = status.find("SigCgt:");
    return at != std::string::npos && (std::stoull(status.substr(at + 7), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
  };
  CHECK(catches_interrupts());
  process.send(SIGINT);
  REQUIRE(eventually([&] { return !catches_interrupts(); }));
  process.send(SIGINT);
  const Outcome outcome = process.wait();
  CHECK(outcome.signal == SIGINT);
  CHECK(!fs::exists(out / "summary.json"));
}

TEST_CASE("kill -9 again and again") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    const TemporaryFolder temporary;
    const fs::path out = temporary.path / "run";
    // In the last round early: files are being made, no checkpoint is there yet.
    const double longest = round < 2 ? whole().seconds / 2 : 0.003;
    const auto sleep = [&] {
      std::this_thread::sleep_for(std::chrono::duration<double>(std::uniform_real_distribution<>(0, longest)(random)));
    };
    {
      Process process(replay(out, experiment));
      REQUIRE(eventually([&] { return fs::exists(out / "experiment.toml") || process.ended(); }));
      sleep();
      process.send(SIGKILL);
      process.wait();
    }
    for (int kill = 0; kill < 6; ++kill) {
      Process process({"replay", "--quiet", "--resume", out.string()});
      sleep();
      process.send(SIGKILL);
      process.wait();
    }
    const Outcome outcome = resume(out);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    check_same_as_whole(out);
  }
}

TEST_CASE("killed before the first checkpoint: the run begins again") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  fs::create_directory(out);
  fs::copy_file(whole().out / "experiment.toml", out / "experiment.toml");
  fs::copy_file(whole().out / "data-folder.txt", out / "data-folder.txt");
  std::ofstream(out / "events.trace") << "SACC";  // torn
  std::ofstream(out / "checkpoint-0.ckpt.tmp") << "torn as well";
  const Outcome outcome = resume(out);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, "no checkpoint yet"));
  check_same_as_whole(out);
  // A run that has lost its checkpoints is another matter.
  for (const fs::path& file : checkpoints_in(out)) fs::remove(file);
  const auto before = everything_in(out);
  CHECK(refusal_fault(resume(out), {}, {out.string(), "no usable checkpoint"}) == "");
  CHECK(everything_in(out) == before);
}

TEST_CASE("resuming a finished run is harmless") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  fs::copy(whole().out, out);
  const std::string summary = text_of(out / "summary.json");
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = resume(out);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    check_same_as_whole(out);
    const double before = nlohmann::json::parse(summary)["seconds"], after = json_of(out / "summary.json")["seconds"];
    CHECK(after == doctest::Approx(before).epsilon(1e-3));
  }
}

TEST_CASE("resuming needs only the folder: where the data lay is remembered") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path / "data", 300, 50);
  const Arguments data{"--data", (temporary.path / "data").string(), "--set", "images=300"};
  const fs::path out = temporary.path / "run", expected = temporary.path / "expected";
  REQUIRE(run(replay(expected, experiment) + data).code == 0);
  CHECK(run_with_signal(out, SIGINT, random, data).code == 130);
  const Outcome outcome = resume(out);
  CAPTURE(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(json_of(out / "summary.json")["fingerprint"] == json_of(expected / "summary.json")["fingerprint"]);
  CHECK(json_of(out / "summary.json")["fingerprint"] != json_of(whole().out / "summary.json")["fingerprint"]);
  CHECK(text_of(out / "metrics.csv") == text_of(expected / "metrics.csv"));
  // When the data has moved, the error says so and --data helps.
  fs::rename(temporary.path / "data", temporary.path / "moved");
  fs::create_directory(temporary.path / "data");
  fs::create_directory(temporary.path / "data" / "fashion-mnist");
  const auto before = everything_in(out);
  CHECK(refusal_fault(resume(out), {}, {(temporary.path / "data").string()}) == "");
  CHECK(everything_in(out) == before);
  CHECK(resume(out, {"--data", (temporary.path / "moved").string()}).code == 0);
}

TEST_CASE("interrupted in the middle of a probe: the probe is made up for") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", expected = temporary.path / "expected";
  const std::vector<std::string> keys{"network.layers=[{channels=4, pool=true}]",
                                      "images=100",
                                      "events=90",
                                      "probe.enabled=true",
                                      "probe.every=30",
                                      "probe.images=1000",
                                      "probe.epochs=60",
                                      "probe.batch=20",
                                      "probe.test_images=50",
                                      "probe.pixels=false",
                                      "probe.deformed=false"};
  make_fashion_mnist(temporary.path, 1000, 50);
  const Arguments data{"--data", temporary.path.string(), "--set", "images=1000"};
  REQUIRE(run(replay(expected, keys) + data).code == 0);
  {
    // After the untrained network's probe comes the one at event 30.
    Process process(replay(out, keys) + data);
    REQUIRE(eventually([&] { return fs::exists(out / "probes.csv") || process.ended(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    process.send(SIGINT);
    process.wait();
  }
  Outcome outcome = resume(out);
  CAPTURE(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(text_of(out / "probes.csv") == text_of(expected / "probes.csv"));
  CHECK(json_of(out / "summary.json")["probe"] == json_of(expected / "summary.json")["probe"]);
}

TEST_CASE("damaged checkpoints") {
  const unsigned seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  REQUIRE(run_with_signal(out, SIGKILL, random).signal == SIGKILL);
  std::vector<fs::path> files = checkpoints_in(out);
  if (files.size() < 2) {  // killed before the second: go on for a moment
    fs::remove_all(out);
    fs::copy(whole().out, out);
    files = checkpoints_in(out);
  }
  REQUIRE(files.size() >= 2);  // three, when it was killed before the oldest was removed

  SUBCASE("the newest: a warning, and on from the older one") {
    const int damage = std::uniform_int_distribution<>(0, 2)(random);
    CAPTURE(damage);
    if (damage == 0) flip(files[0]);
    if (damage == 1) fs::resize_file(files[0], fs::file_size(files[0]) / 3);
    if (damage == 2) fs::resize_file(files[0], 0);
    const Outcome outcome = resume(out);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.starts_with("saccade: warning: "));
    CHECK(contains(outcome.err, files[0].filename().string()));
    CHECK(count(outcome.err, "\n") == 1);
    check_same_as_whole(out);
  }
  SUBCASE("all: refused, nothing changed") {
    for (const fs::path& file : files) flip(file);
    const auto before = everything_in(out);
    CHECK(refusal_fault(resume(out), {}, {out.string(), "no usable checkpoint", files[0].filename().string()}) == "");
    CHECK(everything_in(out) == before);
  }
  SUBCASE("a trace or measures that are shorter than the checkpoint says: refused") {
    for (const char* name : {"events.trace", "metrics.csv"}) {
      CAPTURE(name);
      const std::string bytes = text_of(out / name);
      fs::resize_file(out / name, 10);
      const auto before = everything_in(out);
      CHECK(refusal_fault(resume(out), {}, {(out / name).string()}) == "");
      CHECK(everything_in(out).at((out / name).string()) == before.at((out / name).string()));
      std::ofstream(out / name, std::ios::binary) << bytes;
    }
    CHECK(resume(out).code == 0);
    check_same_as_whole(out);
  }
}

namespace {

void check_full(const Outcome& outcome, const fs::path& out, const std::string& reason) {
  CAPTURE(outcome.err);
  CHECK(outcome.code == 1);
  CHECK(outcome.signal == 0);
  CHECK(outcome.err.starts_with("saccade: " + out.string()));
  CHECK(contains(outcome.err, reason));
  CHECK(count(outcome.err, "\n") == 1);
}

}  // namespace

TEST_CASE("a full disk: one line that names the file, and room is enough to go on") {
  // Limits from "not even the first checkpoint" to "almost enough", by a limit on the size of files.
  for (const int blocks : {1, 60, 600, 1600}) {
    CAPTURE(blocks);
    const TemporaryFolder temporary;
    const fs::path out = temporary.path / "run";
    const Outcome outcome =
        run(replay(out, experiment), {},
            {"sh", "-c", "trap '' XFSZ; ulimit -f " + std::to_string(blocks) + "; exec \"$@\"", "sh"});
    check_full(outcome, out, "File too large");
    if (!fs::exists(out / "experiment.toml")) continue;  // nothing has begun
    const Outcome resumed = resume(out);
    CAPTURE(resumed.err);
    CHECK(resumed.code == 0);
    check_same_as_whole(out);
  }
}

TEST_CASE("a full file system") {
  const TemporaryFolder temporary;
  const fs::path disk = temporary.path / "disk", out = disk / "run";
  fs::create_directory(disk);
  struct Mounted {
    fs::path at;
    bool yes;
    ~Mounted() {
      if (yes) umount2(at.c_str(), MNT_DETACH);
    }
  };
  const Mounted mounted{disk, mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") == 0};
  if (!mounted.yes) {
    MESSAGE("no file system can be mounted here: not tested");
    return;
  }
  check_full(run(replay(out, experiment)), out, "No space left on device");
  // Still full: as clear, and nothing is lost.
  check_full(resume(out), out, "No space left on device");
  CHECK(!checkpoints_in(out).empty());
  REQUIRE(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=60m") == 0);
  const Outcome resumed = resume(out);
  CAPTURE(resumed.err);
  CHECK(resumed.code == 0);
  check_same_as_whole(out);
}

}  // namespace saccade::program
