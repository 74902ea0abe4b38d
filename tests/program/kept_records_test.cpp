#include <doctest/doctest.h>

#include "program/data_folders.h"
#include "program/program.h"
#include "tools/run/probe_log.h"

/// A run goes on only with the files that it left, and with the data that it began with.
namespace saccade::program {
namespace {

Arguments recorded_run(const fs::path& out, const fs::path& data) {
  Arguments line{"replay", "--quiet", "--data", data.string(), "--out", out.string()};
  for (const char* key : {"network.layers=[{channels=3, pool=true}]", "network.embedding=4", "images=60", "events=60",
                          "record.every=5", "checkpoint.every=30", "probe.enabled=true", "probe.every=20",
                          "probe.images=20", "probe.epochs=1", "probe.batch=10", "probe.test_images=10",
                          "measure.every=20", "measure.similarity=classes", "measure.images=20"})
    line = line + Arguments{"--set", key};
  return line;
}

void put(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

}  // namespace

TEST_CASE(
    "resume: a file of the run that was damaged, edited, lost or swapped is told, byte for byte before the "
    "checkpoint") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", other = temporary.path / "other";
  make_fashion_mnist(temporary.path, 60, 20);
  REQUIRE(run(recorded_run(out, temporary.path)).code == 0);
  REQUIRE(run(recorded_run(other, temporary.path) + Arguments{"--set", "seed=2"}).code == 0);
  const Arguments resume{"replay", "--quiet", "--resume", out.string()};
  REQUIRE(run(resume).code == 0);
  for (const std::string name : {"metrics.csv", "similarity.csv", "probes.csv", "events.trace"}) {
    CAPTURE(name);
    const std::string whole = text_of(out / name);
    const auto told = [&](const std::string& content, const std::string& part) {
      put(out / name, content);
      CHECK(refusal_fault(run(resume), resume, {name, part, "put back what the run left"}) == "");
      CHECK(text_of(out / name) == content);
    };
    for (const std::size_t at : {std::size_t{40}, whole.size() / 2, whole.size() - 3}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      told(flipped, name == "events.trace" ? "trace" : "are not those");
    }
    told(whole.substr(0, whole.size() / 2), "expects at least");
    if (name != "probes.csv") told(text_of(other / name) + whole, "are not those");
    fs::remove(out / name);
    CHECK(refusal_fault(run(resume), resume, {name, "found 0 bytes", "put back"}) == "");
    put(out / name, whole);
    CHECK(run(resume).code == 0);
  }
}

TEST_CASE("resume: probes behind the checkpoint are made again, and no later checkpoint tells of the old ones") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  make_fashion_mnist(temporary.path, 60, 20);
  REQUIRE(run(recorded_run(out, temporary.path)).code == 0);
  const std::string whole = text_of(out / "probes.csv");
  fs::remove(out / "checkpoint-60.ckpt");
  REQUIRE(contains(whole, "\n40,"));
  REQUIRE(contains(whole, "\n20,"));
  {
    const ProbeLog log(out / "probes.csv", 30);
    CHECK(log.events("learned") == std::vector<std::uint64_t>{20});
  }
  CHECK_FALSE(contains(text_of(out / "probes.csv"), "\n40,"));
  CHECK(whole.starts_with(text_of(out / "probes.csv")));
  CHECK(run({"replay", "--quiet", "--resume", out.string()}).code == 0);
  CHECK(text_of(out / "probes.csv") == whole);
}

TEST_CASE("resume: other images or labels than the run began with are told") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  make_fashion_mnist(temporary.path, 60, 20);
  REQUIRE(run(recorded_run(out, temporary.path)).code == 0);
  const Arguments resume{"replay", "--quiet", "--resume", out.string()};
  int changed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(temporary.path)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with("ubyte")) continue;
    CAPTURE(name);
    const std::string whole = text_of(entry.path());
    std::string other = whole;
    other.back() = static_cast<char>(other.back() == 3 ? 4 : 3);
    put(entry.path(), other);
    CHECK(refusal_fault(run(resume), resume, {out.string(), "images or labels", "--data"}) == "");
    put(entry.path(), whole);
    ++changed;
  }
  CHECK(changed == 4);
  CHECK(run(resume).code == 0);
}

}  // namespace saccade::program
