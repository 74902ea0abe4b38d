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

}  // namespace saccade::program
