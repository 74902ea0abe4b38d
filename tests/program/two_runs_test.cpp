#include <doctest/doctest.h>

#include "program.h"

/// What would mix two runs in one folder is refused before anything changes.
namespace saccade::program {
namespace {

Arguments short_run(const fs::path& out, int events) {
  return {"replay", "--quiet",    "--out", out.string(),         "--set", "events=" + std::to_string(events),
          "--set",  "images=100", "--set", "probe.enabled=false"};
}

TEST_CASE("a folder at which a process is at work is refused, and that process is not disturbed") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", alone = temporary.path / "alone";
  REQUIRE(run(short_run(alone, 6000)).code == 0);
  Process first(short_run(out, 6000));
  while (!fs::exists(out / "checkpoint-0.ckpt")) REQUIRE(!first.ended());
  first.send(SIGSTOP);  // so that it is surely not over
  const Arguments second{"replay", "--quiet", "--resume", out.string()};
  CHECK(refusal_fault(run(second), second, {out.string(), "another process"}) == "");
  first.send(SIGCONT);
  CHECK(first.wait().code == 0);
  CHECK(json_of(out / "summary.json")["fingerprint"] == json_of(alone / "summary.json")["fingerprint"]);
  CHECK(text_of(out / "metrics.csv") == text_of(alone / "metrics.csv"));
}

TEST_CASE("resume refuses an experiment file that was edited, and a checkpoint of another run") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run", other = temporary.path / "other";
  REQUIRE(run(short_run(out, 40)).code == 0);
  REQUIRE(run(short_run(other, 60)).code == 0);
  const Arguments resume{"replay", "--quiet", "--resume", out.string()};
  const std::string experiment = text_of(out / "experiment.toml"), trace = text_of(out / "events.trace");
  std::ofstream(out / "experiment.toml", std::ios::app) << "# more\n";
  CHECK(refusal_fault(run(resume), resume, {"experiment.toml", "--out"}) == "");
  std::ofstream(out / "experiment.toml") << experiment;
  CHECK(run(resume).code == 0);
  fs::copy(other / "checkpoint-60.ckpt", out / "checkpoint-60.ckpt");
  CHECK(refusal_fault(run(resume), resume, {"experiment.toml", "checkpoint"}) == "");
  CHECK(text_of(out / "events.trace") == trace);
}

TEST_CASE("a stream that cannot be made is refused before the folder is") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "run";
  const Arguments arguments = short_run(out, 40) + Arguments{"--set", "stream.fixation=1e-12"};
  CHECK(refusal_fault(run(arguments), arguments, {"fixation"}) == "");
  CHECK(!fs::exists(out));
}

TEST_CASE("standard output that cannot be written is an error") {
  const Arguments shell{"/bin/sh", "-c", "exec \"$0\" \"$@\" >/dev/full"};
  const Outcome outcome = run({"devices"}, {}, shell);
  CHECK(outcome.code == 1);
  CHECK(contains(outcome.err, "standard output"));
}

TEST_CASE("what a program does does not depend on whether anybody listens") {
  const TemporaryFolder temporary;
  for (const std::string to : {"/dev/full", "&-"}) {
    CAPTURE(to);
    const auto deaf = [&](const Arguments& arguments) {
      return run(arguments, {}, {"/bin/sh", "-c", "exec \"$0\" \"$@\" 2>" + to}).code;
    };
    CHECK(deaf({"inspect", "/nowhere"}) == 2);
    CHECK(deaf({"no-command"}) == 2);
    const fs::path out = temporary.path / ("run" + std::to_string(to.size()));
    CHECK(deaf(short_run(out, 200) + Arguments{"--set", "stream.views=1"}) == 0);  // with a warning
    CHECK(fs::exists(out / "report.html"));
  }
}

TEST_CASE("a run in which nothing can be learned says so") {
  const TemporaryFolder temporary;
  const Outcome outcome = run(short_run(temporary.path / "run", 200) + Arguments{"--set", "stream.views=1"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, "nothing was learned"));
}

}  // namespace
}  // namespace saccade::program
