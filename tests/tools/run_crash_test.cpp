#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "program/data_folders.h"
#include "tests/engine/faulty_file_system.h"
#include "tools/captured.h"
#include "tools/read_text.h"
#include "tools/run/replay.h"
#include "tools/run/train.h"
#include "tools/temporary_folder.h"

/// Design.md, promise 2, for whole runs: every file of a run folder goes through the seam of files, so that the machine
/// can stop, and the disk refuse, at any of their operations. Resumed, the run ends with the bits of one that nothing
/// disturbed, or says why it cannot be resumed.
namespace saccade {
namespace {

namespace fs = std::filesystem;
using testing::Crash;
using testing::FaultyFileSystem;

struct Kind {
  std::string name;
  int (*command)(const RunRequest&);
  std::vector<std::string> keys;
};

/// Everything that a run writes: records, measures, probes, similarity matrices, checkpoints, summary, report.
const std::vector<Kind>& kinds() {
  const std::vector<std::string> both{"network.layers=[{channels=2, pool=true, activation=\"tanh\"}]",
                                      "network.embedding=3",
                                      "images=20",
                                      "rate=1e-3",
                                      "measure.pairs=2",
                                      "measure.images=10",
                                      "measure.knn=1",
                                      "measure.similarity=classes",
                                      "probe.enabled=true",
                                      "probe.images=10",
                                      "probe.batch=10",
                                      "probe.epochs=1",
                                      "probe.test_images=10",
                                      "probe.deformed=false"};
  static const std::vector<Kind> all = [&] {
    std::vector<Kind> list{
        {"replay", replay, {"events=21", "checkpoint.every=8", "record.every=5", "measure.every=10", "probe.every=12"}},
        {"train", train, {"batch=10", "epochs=4", "checkpoint.every=3", "measure.every=4", "probe.every=5"}}};
    for (Kind& kind : list) kind.keys.insert(kind.keys.end(), both.begin(), both.end());
    return list;
  }();
  return all;
}

/// One run in files of memory. The folder is a real one, for locks; nothing is written there.
class RunInMemory {
 public:
  RunInMemory(const Kind& kind, FaultyFileSystem& files) : kind_(kind), files_(files) {
    static const struct Data {
      TemporaryFolder folder;
      Data() { program::make_fashion_mnist(folder.path, 40, 20); }
    } data;
    request_.flags.data = data.folder.path;
    request_.flags.threads = 1;
    request_.flags.device = "cpu";
    request_.flags.quiet = true;
    request_.announce = false;
    request_.files = &files_;
    files_.largest_write = 2000;
  }

  int begin() {
    request_.flags.resume.clear();
    request_.flags.out = out();
    request_.flags.set = kind_.keys;
    return kind_.command(request_);
  }
  int resume() {
    request_.flags.resume = out();
    request_.flags.out.clear();
    request_.flags.set.clear();
    return kind_.command(request_);
  }
  /// Goes on with what the disk holds. Where the experiment itself was lost nothing had begun: that is said, and the
  /// run begins.
  void recover() {
    const Captured said(STDERR_FILENO);
    if (!files_.exists(out() / "experiment.toml")) {
      REQUIRE_THROWS_WITH_AS(resume(), doctest::Contains("no experiment.toml in it"), InputError);
      REQUIRE(begin() == 0);
      return;
    }
    REQUIRE(resume() == 0);
    const bool anew = said.text().find("no checkpoint yet") != std::string::npos;
    if (!anew) REQUIRE(said.text() == "");
  }

  fs::path out() const { return folder_.path; }
  /// What must not depend on what happened on the way.
  std::map<std::string, std::string> result() {
    std::map<std::string, std::string> all;
    for (const std::string& name : files_.list(out())) {
      all[name];
      if (name.ends_with(".csv") || name == "events.trace" || name == "experiment.toml")
        all[name] = read_text(out() / name, files_);
      if (name.ends_with(".ckpt")) all[name] = fingerprint(load_checkpoint(files_, out() / name));
    }
    all["fingerprint"] = nlohmann::json::parse(read_text(out() / "summary.json", files_))["fingerprint"];
    return all;
  }

 private:
  const Kind& kind_;
  FaultyFileSystem& files_;
  TemporaryFolder folder_;
  RunRequest request_;
};

struct Undisturbed {
  std::map<std::string, std::string> result;
  int operations = 0, reads = 0, reads_of_resumption = 0;
  std::uint64_t bytes = 0;

  explicit Undisturbed(const Kind& kind) {
    FaultyFileSystem files;
    RunInMemory run(kind, files);
    REQUIRE(run.begin() == 0);
    result = run.result();
    operations = files.operations;
    reads = files.reads;
    for (const std::string& name : files.list(run.out())) bytes += files.size(run.out() / name);
    REQUIRE(result.contains("metrics.csv"));
    REQUIRE(result.contains("probes.csv"));
    REQUIRE(result.contains("similarity.csv"));
    REQUIRE(result.contains("events.trace") == (kind.command == replay));
    REQUIRE(result.size() == (kind.command == replay ? 11u : 10u));  // experiment, data folder, summary, report, ...
    REQUIRE(fs::is_empty(run.out()));                                // nothing goes around the seam
    REQUIRE(run.resume() == 0);
    reads_of_resumption = files.reads - reads;
    REQUIRE(run.result() == result);
  }
};

/// SACCADE_TEST_LONG=1: every operation is refused, and every crash has 20 outcomes.
bool thorough() { return std::getenv("SACCADE_TEST_LONG") != nullptr; }

}  // namespace

TEST_CASE("a run whose machine stops at any operation on its files: resumed, the same bits") {
  for (const Kind& kind : kinds()) {
    const Undisturbed expected(kind);
    int with_summary = 0;
    for (int trial = 0; trial < expected.operations * (thorough() ? 20 : 1); ++trial) {
      const int step = 1 + trial % expected.operations;
      CAPTURE(kind.name);
      CAPTURE(trial);  // the seed
      FaultyFileSystem files(static_cast<std::uint64_t>(trial));
      RunInMemory run(kind, files);
      files.crash_at = step;
      REQUIRE_THROWS_AS(run.begin(), Crash);
      files.restart();
      // What has a summary is finished, and a study does not come back to it: nothing else is missing or half there.
      if (files.exists(run.out() / "summary.json")) {
        ++with_summary;
        for (const std::string& name : files.list(run.out())) REQUIRE_MESSAGE(!name.ends_with(".tmp"), name);
        REQUIRE(files.exists(run.out() / "report.html"));
      }
      // Once more while it recovers, every third time.
      if (step % 3 == 0 && files.exists(run.out() / "experiment.toml")) {
        const Captured said(STDERR_FILENO);
        files.crash_at = files.operations + 1 + step % 29;
        try {
          run.resume();
        } catch (const Crash&) {
        }
        files.restart();
      }
      run.recover();
      REQUIRE(run.result() == expected.result);
    }
    CHECK(with_summary > 0);
  }
}

TEST_CASE("a run whose disk refuses any operation says so, and goes on when it can, even across a crash") {
  for (const Kind& kind : kinds()) {
    const Undisturbed expected(kind);
    for (int step = 1; step <= expected.operations; step += thorough() ? 1 : 3) {
      CAPTURE(kind.name);
      CAPTURE(step);
      FaultyFileSystem files(static_cast<std::uint64_t>(step));
      RunInMemory run(kind, files);
      files.fail_at = step;
      int code = -1;
      try {
        code = run.begin();
      } catch (const SystemError& error) {
        CHECK(std::string(error.what()).find(run.out().string()) != std::string::npos);
      }
      files.fail_at = -1;
      CHECK(code != 1);
      if (step % 2 == 0) files.restart();  // what the failed sync lost is lost
      run.recover();
      REQUIRE(run.result() == expected.result);
      files.restart();
      REQUIRE(run.resume() == 0);
      REQUIRE(run.result() == expected.result);
    }
  }
}

TEST_CASE("a disk that cannot be read: said, and nothing is changed") {
  for (const Kind& kind : kinds()) {
    const Undisturbed expected(kind);
    for (int step = 1; step <= expected.reads_of_resumption; step += thorough() ? 1 : 2) {
      CAPTURE(kind.name);
      CAPTURE(step);
      FaultyFileSystem files;
      RunInMemory run(kind, files);
      REQUIRE(run.begin() == 0);
      files.fail_read_at = files.reads + step;
      REQUIRE_THROWS_WITH_AS(run.resume(), doctest::Contains("cannot read: Input/output error"), SystemError);
      REQUIRE(run.resume() == 0);
      REQUIRE(run.result() == expected.result);
    }
  }
}

TEST_CASE("a full disk at any size: said, and with room the run goes on") {
  for (const Kind& kind : kinds()) {
    const Undisturbed expected(kind);
    const std::uint64_t most = 2 * expected.bytes;
    int full = 0;
    for (std::uint64_t capacity = 10; capacity < most;
         capacity += most / static_cast<unsigned>(thorough() ? 200 : 25)) {
      CAPTURE(kind.name);
      CAPTURE(capacity);
      FaultyFileSystem files;
      RunInMemory run(kind, files);
      files.capacity = capacity;
      int code = 0;
      try {
        code = run.begin();
      } catch (const SystemError& error) {
        ++full;
        CHECK(std::string(error.what()).find("No space left on device") != std::string::npos);
      }
      REQUIRE(code == 0);
      files.capacity = ~std::uint64_t{0};
      run.recover();
      REQUIRE(run.result() == expected.result);
    }
    CHECK(full > 5);
  }
}

TEST_CASE("short and interrupted writes change nothing") {
  for (const Kind& kind : kinds()) {
    const Undisturbed expected(kind);
    FaultyFileSystem files;
    RunInMemory run(kind, files);
    files.largest_write = 7;
    files.interrupt = true;
    REQUIRE(run.begin() == 0);
    CHECK(run.result() == expected.result);
  }
}

}  // namespace saccade
