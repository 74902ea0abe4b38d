#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// What this machine can do at most, measured here and now: the yardstick of the other benchmarks.
namespace saccade::bench {

/// FLOP/s (a multiply-add counts as two) of `threads` threads that do nothing but independent multiply-adds in
/// registers, with the instruction set that a device names; the best of some short bursts. Measured once a process.
double peak_flops(const std::string& instruction_set, int threads);

/// Bytes a second that `threads` threads read together from `bytes` bytes of memory of the CPU device (huge pages where
/// the system gives them), which are divided among them; the best of some passes.
double read_bandwidth(std::size_t bytes, int threads);

/// 1, 2, 4, ... and all cores, in the form that a benchmark takes as its arguments.
std::vector<std::int64_t> thread_counts();

}  // namespace saccade::bench
