#include <doctest/doctest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/recorder.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

struct Outcome {
  int code = -1;
  std::string text;  ///< standard output and error together
};

/// Runs the program with shell-quoted arguments.
Outcome run(const std::string& arguments) {
  FILE* pipe = popen((std::string(SACCADE_PROGRAM) + " " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  Outcome outcome;
  char buffer[4096];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.text.append(buffer, n);
  const int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

void check_refused(const std::string& arguments, const std::string& reason) {
  const Outcome outcome = run(arguments);
  CAPTURE(arguments);
  CAPTURE(outcome.text);
  CHECK(outcome.code == 2);
  CHECK(outcome.text.starts_with("saccade: "));
  CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
  CHECK(outcome.text.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("bad command lines: one line, exit code 2") {
  check_refused("", "subcommand");
  check_refused("repaly", "no command \"repaly\"; known are replay");
  check_refused("devices --threads x", "--threads");
  check_refused("devices --threads -1", "--threads");
  check_refused("devices --device tpu", "tpu");
  check_refused("devices --device cuda", "--device cuda: ");
  check_refused("inspect", "FILE");
}

TEST_CASE("every command has help with an example") {
  CHECK(run("--help").code == 0);
  for (const char* command : {"replay", "inspect", "devices"}) {
    const Outcome outcome = run(std::string(command) + " --help");
    CHECK(outcome.code == 0);
    CHECK(outcome.text.find("Example:\n  saccade " + std::string(command)) != std::string::npos);
  }
}

TEST_CASE("devices and keys") {
  const Outcome devices = run("devices --json --threads 2");
  REQUIRE(devices.code == 0);
  const auto json = nlohmann::json::parse(devices.text);
  CHECK(json["devices"][0]["name"] == "cpu");
  CHECK(json["devices"][0]["threads"] == 2);
  CHECK(run("devices").code == 0);
  const Outcome keys = run("replay --keys");
  CHECK(keys.code == 0);
  CHECK(keys.text.find("memory.window") != std::string::npos);
}

TEST_CASE("inspect: what is not ours is refused") {
  const TemporaryFolder temporary;
  const std::string file = (temporary.path / "f").string();
  check_refused("inspect " + file, file);
  check_refused("inspect " + temporary.path.string(), "folder");
  std::ofstream(file) << "";
  check_refused("inspect " + file, file);
  std::ofstream(file) << std::string(1000, 'x');
  check_refused("inspect " + file, file);
  check_refused("inspect " + std::string(SACCADE_PROGRAM), "saccade");
}

TEST_CASE("inspect: counts, times and damage of a trace") {
  const TemporaryFolder temporary;
  const std::filesystem::path file = temporary.path / "events.trace";
  {
    Recorder recorder(real_files(), file);
    for (std::uint32_t i = 0; i < 3; ++i)
      recorder.view({.time = 150'000 * i, .fixation = i / 2, .index = i % 2, .recipe = {}, .pixels = {}});
    recorder.saccade({300'000, 0});
    recorder.close();
  }
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);  // a torn tail
  const Outcome outcome = run("inspect --json " + file.string());
  REQUIRE(outcome.code == 1);
  const auto json = nlohmann::json::parse(outcome.text);
  CHECK(json["kind"] == "trace");
  CHECK(json["records"]["view"] == 3);
  CHECK(json["records"]["saccade"] == 0);
  CHECK(json["time_s"][1] == 0.3);
  REQUIRE(json["damage"].size() == 1);
  CHECK(json["damage"][0]["tail"] == true);
  const Outcome text = run("inspect " + file.string());
  CHECK(text.code == 1);
  CHECK(text.text.find("3 view") != std::string::npos);
  const auto shown = nlohmann::json::parse(run("inspect --json --show 2 " + file.string()).text)["events"];
  REQUIRE(shown.size() == 2);
  CHECK(shown[1]["time_s"] == 0.15);
  CHECK(shown[1]["view"] == 1);
  const std::string recovered = (temporary.path / "recovered.trace").string();
  CHECK(run("inspect --json --recover " + recovered + " " + file.string()).code == 0);
  CHECK(nlohmann::json::parse(run("inspect --json " + recovered).text)["damage"].empty());
}

}  // namespace saccade
