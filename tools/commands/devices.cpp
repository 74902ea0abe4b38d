#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/device.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"

namespace saccade {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

void run_devices(const CommonFlags& flags) {
  const auto device = make_device(flags);
  const unsigned cores = std::thread::hardware_concurrency();
  if (flags.json) {
    const nlohmann::ordered_json json = {{{"name", device->name()},
                                          {"model", cpu_model()},
                                          {"instruction_set", device->instruction_set()},
                                          {"cores", cores},
                                          {"threads", device->threads()}}};
    fmt::print("{}\n", nlohmann::ordered_json{{"devices", json}}.dump(2));
    return;
  }
  fmt::print("{}   {}, {} cores, {} threads used, instruction set {}\n", device->name(), cpu_model(), cores,
             device->threads(), device->instruction_set());
  fmt::print("cuda  none: this build has no CUDA device\n");
}

}  // namespace

void add_devices(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("devices", "What hardware is used");
  add_device_flags(*command, flags);
  command->add_flag("--json", flags.json, "Print as JSON");
  add_example(*command, "saccade devices --json");
  command->callback([&flags] { run_devices(flags); });
}

}  // namespace saccade
