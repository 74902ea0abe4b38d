#include <doctest/doctest.h>

#include "engine/device.h"
#include "program/program.h"

/// Which device computes, and what is said about it, on a machine without a GPU (tests/main.cpp hides one).
namespace saccade::program {
namespace {

constexpr const char* fallback = "saccade: no GPU is used (";

Arguments short_run(const fs::path& out) {
  return {"replay", "--out", out.string(), "--set", "events=20", "--set", "images=20", "--set", "probe.enabled=false"};
}

}  // namespace

TEST_CASE("--device auto: without a GPU the CPU computes, and a build that could use one says so once") {
  const TemporaryFolder temporary;
  const Outcome outcome = run(short_run(temporary.path / "a"));
  REQUIRE(outcome.code == 0);
  CHECK(count(outcome.err, fallback) == (built_with_cuda() ? 1 : 0));
  if (built_with_cuda()) CHECK(contains(outcome.err, "); computing on the CPU\n"));
  CHECK_FALSE(contains(outcome.err, "use --device cpu"));
  CHECK(count(run(short_run(temporary.path / "b") + Arguments{"--quiet"}).err, fallback) == 0);
  CHECK(count(run(short_run(temporary.path / "c") + Arguments{"--device", "cpu"}).err, fallback) == 0);
  CHECK(json_of(temporary.path / "a" / "summary.json")["fingerprint"] ==
        json_of(temporary.path / "c" / "summary.json")["fingerprint"]);
}

TEST_CASE("--device cuda: without a GPU it is refused with the reason and advice") {
  const TemporaryFolder temporary;
  const Arguments cuda{"--device", "cuda"};
  for (const Arguments& arguments : {short_run(temporary.path / "out") + cuda, Arguments{"devices"} + cuda})
    CHECK(refusal_fault(run(arguments), arguments,
                        {"--device cuda: ", built_with_cuda() ? "" : "built without CUDA", "; use --device cpu"}) ==
          "");
  CHECK(!fs::exists(temporary.path / "out"));
  for (const Arguments& arguments : {Arguments{"devices", "--check"} + cuda, Arguments{"devices", "--check"}})
    CHECK(refusal_fault(
              run(arguments), arguments,
              {"devices --check: ", built_with_cuda() ? "" : "built without CUDA", "; --device cpu compares"}) == "");
}

TEST_CASE("devices: what there is, and why there is no GPU") {
  const Outcome text = run({"devices"});
  CHECK(text.code == 0);
  CHECK(contains(text.out, "\ncuda  none: "));
  CHECK(contains(text.out, "--device auto computes on: cpu\n"));
  CHECK(text.err.empty());
  const auto json = nlohmann::json::parse(run({"devices", "--json"}).out);
  CHECK(json["devices"].size() == 1);
  CHECK(json["used"] == "cpu");
  CHECK_FALSE(json["no_gpu"].get<std::string>().empty());
}

TEST_CASE("devices --check --device cpu: the CPU with itself, without any difference") {
  const Arguments check{"devices", "--check",   "--device", "cpu",     "--threads",
                        "2",       "--network", "conv3",    "--views", "3"};
  const Outcome text = run(check);
  CHECK(text.code == 0);
  CHECK(contains(text.out, "\nhead_descend "));
  CHECK(contains(text.out, " within tolerance\n"));
  const Outcome outcome = run(check + Arguments{"--json"});
  CHECK(outcome.code == 0);
  const auto json = nlohmann::json::parse(outcome.out);
  CHECK(json["ok"] == true);
  CHECK(json["operations"].size() > 40);
  for (const auto& operation : json["operations"]) {
    CAPTURE(operation.dump());
    CHECK(operation["error"] == 0);
    CHECK(operation["device_ms"] > 0);
    CHECK(operation["cpu_ms"] > 0);
  }
}

TEST_CASE("devices: flags of the check") {
  for (const Arguments& wrong : {Arguments{"--network", "conv3"},
                                 {"--views", "3"},
                                 {"--check", "--network", "conv4"},
                                 {"--check", "--views", "0"}}) {
    const Arguments arguments = Arguments{"devices"} + wrong;
    CHECK(refusal_fault(run(arguments), arguments, {}) == "");
  }
}

TEST_CASE("replay on emulated CUDA: events sent ahead leave the files of events one by one, interrupted or not") {
  const TemporaryFolder temporary;
  const auto replay = [&](const std::string& out, const Arguments& more) {
    const Arguments arguments =
        Arguments{SACCADE_EMULATED, "replay", "--device", "cuda", "--quiet", "--out", (temporary.path / out).string()};
    const Arguments small{"--set", "network=\"conv3\"", "--set", "events=40",           "--set", "record.every=10",
                          "--set", "images=40",         "--set", "checkpoint.every=15", "--set", "probe.enabled=false"};
    Process process(Process::WholeLine{arguments + small + more}, {{"SACCADE_PAGE", SACCADE_TESTS "/../tools/page"}});
    const Outcome outcome = process.wait();
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
  };
  const auto of = [&](const std::string& out, const std::string& file) { return temporary.path / out / file; };
  replay("ahead", {});
  replay("watched", {"--page", "127.0.0.1:0"});  // the page wants each view's numbers before the next
  for (const std::string file : {"metrics.csv", "events.trace"})
    CHECK(text_of(of("ahead", file)) == text_of(of("watched", file)));
  CHECK(json_of(of("ahead", "summary.json"))["fingerprint"] == json_of(of("watched", "summary.json"))["fingerprint"]);
  CHECK(fs::exists(of("ahead", "checkpoint-30.ckpt")));
  // From the checkpoint behind view 30, as after a kill.
  fs::remove(of("ahead", "checkpoint-40.ckpt"));
  Process resumed(Process::WholeLine{
      {SACCADE_EMULATED, "replay", "--device", "cuda", "--quiet", "--resume", (temporary.path / "ahead").string()}});
  CHECK(resumed.wait().code == 0);
  for (const std::string file : {"metrics.csv", "events.trace"})
    CHECK(text_of(of("ahead", file)) == text_of(of("watched", file)));
}

}  // namespace saccade::program
