#pragma once
#include <benchmark/benchmark.h>

#include <chrono>

#include "engine/device.h"
#include "tools/bench/machine.h"

namespace saccade::bench {

/// Times an operation of `flop` floating-point operations in the direct, dense scheme (a multiply-add counts as two)
/// and reports its effective GFLOP/s and their share of what the machine can do with as many threads. `effective`: an
/// operation that leaves products out, by Winograd's scheme or because three of four errors of a pooled layer are zero,
/// is still credited with all of them, so that ways of computing the same can be compared; it may pass 100 %.
template <class Operation>
void time_work(benchmark::State& state, const Device& device, double flop, const Operation& operation) {
  const double peak = peak_flops(device.instruction_set(), device.threads());
  operation();  // touches its memory
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) operation();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double rate = flop * static_cast<double>(state.iterations()) / seconds.count();
  state.counters["GFLOP/s"] = rate * 1e-9;
  state.counters["%peak"] = 100 * rate / peak;
}

}  // namespace saccade::bench
