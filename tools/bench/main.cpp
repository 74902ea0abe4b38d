#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "engine/error.h"
#include "tools/bench/machine.h"

namespace {

/// Takes --device NAME (or --device=NAME) out of the arguments.
std::string take_device(std::vector<char*>& arguments) {
  const std::string flag = "--device";
  std::string device = "cpu";
  for (auto argument = arguments.begin() + 1; argument != arguments.end();) {
    const std::string text = *argument;
    if (text == flag && argument + 1 == arguments.end())
      throw saccade::InputError("--device: expected cpu or cuda behind it");
    if (text == flag) {
      device = argument[1];
      argument = arguments.erase(argument, argument + 2);
    } else if (text.starts_with(flag + "=")) {
      device = text.substr(flag.size() + 1);
      argument = arguments.erase(argument);
    } else {
      ++argument;
    }
  }
  if (device != "cpu" && device != "cuda") throw saccade::InputError("--device " + device + ": expected cpu or cuda");
  return device;
}

}  // namespace

/// saccade_bench: --device cpu|cuda, and Google Benchmark's own command line (--benchmark_filter,
/// --benchmark_format=json, ...). What each benchmark times and counts stands at the head of its file.
int main(int count, char** given) {
  std::vector<char*> arguments(given, given + count);
  try {
    if (take_device(arguments) == "cuda") saccade::bench::choose_cuda();
    const auto device = saccade::bench::bench_device(1);
    benchmark::AddCustomContext("device", device->name() + ", " + device->hardware());
    benchmark::AddCustomContext("instruction_set", device->instruction_set());
  } catch (const saccade::InputError& error) {
    std::fprintf(stderr, "saccade_bench: error: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "saccade_bench: error: %s\n", error.what());
    return 1;
  }
  for (const char* argument : arguments)
    if (std::string(argument) == "--help")
      std::puts("saccade_bench [--device cpu|cuda]   which device's operations are timed; default cpu\n");
  saccade::bench::Benchmarks::add_all();
  int argc = static_cast<int>(arguments.size());
  char** argv = arguments.data();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::size_t done = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return done > 0 ? 0 : 2;  // a filter that matches nothing is a mistake
}
