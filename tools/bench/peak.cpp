#include <benchmark/benchmark.h>

#include "tools/bench/machine.h"

/// The host's own limits, by numbers of threads: multiply-adds in registers, and reading memory (1 MiB a thread
/// stays in a cache of its own, 512 MiB comes from memory or, on some servers, from the last cache).
namespace saccade::bench {
namespace {

void peak(benchmark::State& state) {
  const int threads = static_cast<int>(state.range(0));
  const auto device = make_cpu_device(threads);
  for (auto _ : state) state.counters["GFLOP/s"] = peak_flops(device->instruction_set(), threads) * 1e-9;
  state.SetLabel(device->instruction_set());
}

void read_memory(benchmark::State& state) {
  const auto mebibytes = static_cast<std::size_t>(state.range(0));
  const int threads = static_cast<int>(state.range(1));
  const std::size_t bytes = (mebibytes << 20) * (mebibytes == 1 ? static_cast<std::size_t>(threads) : 1);
  for (auto _ : state) state.counters["GB/s"] = read_bandwidth(bytes, threads) * 1e-9;
}
const Benchmarks limits([] {
  benchmark::RegisterBenchmark("peak", peak)
      ->ArgName("threads")
      ->ArgsProduct({thread_counts()})
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("read_memory", read_memory)
      ->ArgNames({"MiB", "threads"})
      ->ArgsProduct({{1, 512}, thread_counts()})
      ->Iterations(1)
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
});

}  // namespace
}  // namespace saccade::bench
