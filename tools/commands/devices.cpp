#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "engine/device.h"
#include "engine/error.h"
#include "tools/check/device_check.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"

namespace saccade {
namespace {

using Json = nlohmann::ordered_json;

Json description(const Device& device) {
  return {{"name", device.name()}, {"model", device.hardware()}, {"instruction_set", device.instruction_set()}};
}

void list_devices(const CommonFlags& flags) {
  const auto cpu = make_cpu_device(flags.threads);
  const unsigned cores = std::thread::hardware_concurrency();
  std::unique_ptr<Device> gpu;
  std::string no_gpu;
  if (flags.device == "cuda") {
    gpu = make_gpu_device();
  } else {
    try {
      gpu = make_cuda_device();
    } catch (const InputError& error) {
      no_gpu = error.what();
    }
  }
  const Device& used = gpu && flags.device != "cpu" ? *gpu : *cpu;
  if (flags.json) {
    Json json = {{"devices", {description(*cpu)}}};
    json["devices"][0]["cores"] = cores;
    json["devices"][0]["threads"] = cpu->threads();
    if (gpu) {
      json["devices"].push_back(description(*gpu));
    } else {
      json["no_gpu"] = no_gpu;
    }
    json["used"] = used.name();
    fmt::print("{}\n", json.dump(2));
    return;
  }
  fmt::print("cpu   {}, {} cores, {} threads used, instruction set {}\n", cpu->hardware(), cores, cpu->threads(),
             cpu->instruction_set());
  if (gpu) {
    fmt::print("cuda  {}, {}\n", gpu->hardware(), gpu->instruction_set());
  } else {
    fmt::print("cuda  none: {}\n", no_gpu);
  }
  fmt::print("--device {} computes on: {}\n", flags.device, used.name());
}

struct CheckRequest {
  bool wanted = false;
  std::string network = "conv5";
  int views = 100;
};

std::unique_ptr<Device> device_to_check() {
  try {
    return make_cuda_device();
  } catch (const InputError& error) {
    throw InputError(
        fmt::format("devices --check: {}; --device cpu compares the CPU's kernels with themselves", error.what()));
  }
}

/// Exit code: 0 when every operation is within its tolerance, else 1.
int check_device(const CheckRequest& request, const CommonFlags& flags) {
  // Without a GPU the CPU may be compared with itself, but only by who asks for it: nothing is learned of a GPU then.
  const bool itself = flags.device == "cpu";
  const auto device = itself ? make_cpu_device(flags.threads) : device_to_check();
  const auto reference = make_cpu_device(itself ? 1 : flags.threads);
  const std::vector<check::Case> cases = check::cases(known_network(request.network), request.views);
  constexpr const char* row = "{:<22} {:<45} {:>9} {:>9} {:>10} {:>10}  {}\n";
  if (!flags.json) {
    fmt::print("{} {}, {}; reference: cpu, {}, {} threads; {}, {} views\n", device->name(), device->hardware(),
               device->instruction_set(), reference->instruction_set(), reference->threads(), request.network,
               request.views);
    fmt::print(fmt::runtime(row), "operation", "", "error", "tolerance", "ms", "ms cpu", "");
  }
  Json operations = Json::array();
  std::size_t wrong = 0;
  for (const check::Case& one : cases) {
    const check::Result result = check::run(one, *device, *reference, true);
    if (!result.ok) ++wrong;
    if (flags.json) {
      operations.push_back({{"operation", one.operation},
                            {"detail", one.detail},
                            {"error", result.error},  // null when it is not finite
                            {"tolerance", result.tolerance},
                            {"device_ms", result.device_ms},
                            {"cpu_ms", result.reference_ms},
                            {"ok", result.ok}});
      continue;
    }
    fmt::print(fmt::runtime(row), one.operation, one.detail, fmt::format("{:.1e}", result.error),
               fmt::format("{:.0e}", result.tolerance), fmt::format("{:.4f}", result.device_ms),
               fmt::format("{:.4f}", result.reference_ms), result.ok ? "ok" : "WRONG");
    std::fflush(stdout);
  }
  if (flags.json) {
    Json json = {{"device", description(*device)}, {"reference", description(*reference)},
                 {"network", request.network},     {"views", request.views},
                 {"operations", operations},       {"ok", wrong == 0}};
    fmt::print("{}\n", json.dump(2));
  } else if (wrong > 0) {
    fmt::print("{} of {} WRONG\n", wrong, cases.size());
  } else {
    fmt::print("all {} within tolerance\n", cases.size());
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace

void add_devices(CLI::App& app, CommonFlags& flags) {
  CLI::App* command =
      app.add_subcommand("devices", "What hardware is used, and whether the GPU computes what the CPU does");
  const auto request = std::make_shared<CheckRequest>();
  add_device_flags(*command, flags);
  command->add_flag("--json", flags.json, "Print as JSON");
  CLI::Option* check = command->add_flag("--check", request->wanted,
                                         "Compare every operation of the GPU with the CPU's, and time both; with "
                                         "--device cpu: the CPU with itself on 1 thread");
  command->add_option("--network", request->network, "Check on this network's shapes; default conv5")
      ->check(CLI::IsMember({"conv3", "conv3-strided", "conv5", "conv5-strided", "vgg6", "vgg6-strided"}))
      ->needs(check)
      ->type_name("NAME");
  command->add_option("--views", request->views, "Views in each operation of the check; default 100")
      ->check(CLI::Range(1, 10000))
      ->needs(check)
      ->type_name("N");
  add_example(*command, "saccade devices --check --network conv3");
  command->callback([&flags, request] {
    if (request->wanted) {
      flags.exit_code = check_device(*request, flags);
    } else {
      list_devices(flags);
    }
  });
}

}  // namespace saccade
