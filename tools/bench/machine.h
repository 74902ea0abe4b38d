#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/device_buffer.h"

/// The device that is timed, and what this machine can do at most, measured here and now: the yardstick of the other
/// benchmarks.
namespace saccade::bench {

/// Makes the GPU the device of all benchmarks. To be called before any is registered: numbers of threads depend on it.
void choose_cuda();
bool on_cuda();
/// The chosen device; `threads` is for a CPU's.
std::unique_ptr<Device> bench_device(int threads);

/// Benchmarks that a file adds once the command line has been read; one static object a file.
class Benchmarks {
 public:
  explicit Benchmarks(void (*add)());
  static void add_all();
};

/// Waits until a device has done all that it was asked for, by a read of one number.
class Finish {
 public:
  explicit Finish(Device& device) : device_(device), number_(device, 1) {}
  void operator()() const {
    float number;
    device_.read(&number, number_.data(), sizeof number);
  }

 private:
  Device& device_;
  DeviceBuffer<float> number_;
};

/// FLOP/s (a multiply-add counts as two) of `threads` threads that do nothing but independent multiply-adds in
/// registers, with the instruction set that a device names; the best of some short bursts. Measured once a process.
double peak_flops(const std::string& instruction_set, int threads);

/// Bytes a second that `threads` threads read together from `bytes` bytes of memory of the CPU device (huge pages where
/// the system gives them), which are divided among them; the best of some passes.
double read_bandwidth(std::size_t bytes, int threads);

/// 1, 2, 4, ... and all cores, in the form that a benchmark takes as its arguments; with a GPU only 1.
std::vector<std::int64_t> thread_counts();

}  // namespace saccade::bench
