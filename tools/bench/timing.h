#pragma once
#include <benchmark/benchmark.h>

#include <chrono>

#include "tools/bench/machine.h"

namespace saccade::bench {

/// Times an operation of `flop` floating-point operations in the direct, dense scheme (a multiply-add counts as two)
/// and reports its effective GFLOP/s and, of a CPU, their share of what it can do with as many threads. `effective`: an
/// operation that leaves products out, by Winograd's scheme or because three of four errors of a pooled layer are zero,
/// is still credited with all of them, so that ways of computing the same can be compared; it may pass 100 %.
///
/// Returns calls a second.
///
/// A GPU's work has ended when a number has been read. It gets several calls between two reads, as a learner sends it
/// several operations: what the host's own way there and back takes is not what is timed.
template <class Operation>
double time_work(benchmark::State& state, Device& device, double flop, const Operation& operation) {
  const double peak = on_cuda() ? 0 : peak_flops(device.instruction_set(), device.threads());
  const int calls = on_cuda() ? 20 : 1;
  const Finish finish(device);
  const auto work = [&] {
    for (int i = 0; i < calls; ++i) operation();
    finish();
  };
  // Touches its memory; on a GPU the second time is recorded (engine/cuda/command_queue.h).
  for (int i = 0; i < (on_cuda() ? 2 : 1); ++i) work();
  const auto start = std::chrono::steady_clock::now();
  while (state.KeepRunningBatch(calls)) work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double calls_per_second = static_cast<double>(state.iterations()) / seconds.count();
  state.counters["GFLOP/s"] = flop * calls_per_second * 1e-9;
  if (!on_cuda()) state.counters["%peak"] = 100 * flop * calls_per_second / peak;
  return calls_per_second;
}

}  // namespace saccade::bench
