#include <benchmark/benchmark.h>

#include <cstdio>

#include "engine/device.h"
#include "engine/error.h"

/// saccade_bench: Google Benchmark's own command line (--benchmark_filter, --benchmark_format=json, ...). What each
/// benchmark times and counts stands at the head of its file.
int main(int argc, char** argv) {
  try {
    benchmark::AddCustomContext("instruction_set", saccade::make_cpu_device(1)->instruction_set());
  } catch (const saccade::InputError& error) {
    std::fprintf(stderr, "saccade_bench: error: %s\n", error.what());
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::size_t done = benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return done > 0 ? 0 : 2;  // a filter that matches nothing is a mistake
}
