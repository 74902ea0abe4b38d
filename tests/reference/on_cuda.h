#pragma once
#include "engine/cuda/cuda_device.h"
#if defined(SACCADE_TEST_GPU)
#include "tests/gpu/thread_order.h"
#else
#include "tests/emulation/thread_order.h"
#endif

/// For the tests of a device's operations (tests/engine/device_*_test.cpp), built again for the CUDA device: the same
/// cases against the same double-precision reference. Once emulated on the host, the device's threads in three orders,
/// and once for a real GPU, where there is a compiler for it.
namespace saccade::reference {

/// The CUDA device under test.
inline Device& cuda() {
  static SACCADE_CUDA::CudaDevice device(SACCADE_CUDA::make_runtime());
  return device;
}

/// CUDA and the CPU both sum in single precision, in different orders: each is within sum_bound of the exact sum, which
/// for the longest sums here is 2e-5 of their terms in the worst case; what is seen is below 1e-6.
inline constexpr double agreement = 1e-5;

inline void check_agreement(const Outputs& cuda, const Outputs& cpu) {
  for (const auto& [name, values] : cpu.floats) {
    CAPTURE(name);
    const std::vector<float>& got = cuda.floats.at(name);
    REQUIRE(got.size() == values.size());
    double difference = 0, norm = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::memcmp(&got[i], &values[i], sizeof got[i]) == 0) continue;
      if (std::isnan(got[i]) && std::isnan(values[i])) continue;  // a card has NaN of its own
      difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(values[i]), 2);
    }
    for (float x : values)
      if (std::isfinite(x)) norm += static_cast<double>(x) * static_cast<double>(x);
    CHECK(std::sqrt(difference) <= agreement * std::sqrt(norm));  // NaN fails
  }
  CHECK(cuda.ints == cpu.ints);
}

/// Runs `run(device) -> Outputs` on the CUDA device and demands what `verify` does, the same bits whatever the
/// order of threads and blocks, and agreement with the CPU device.
template <class Run, class Verify>
void on_all_devices(Run run, Verify verify) {
  std::optional<Outputs> first;
  for (const ThreadOrder order : thread_orders()) {
    CAPTURE(static_cast<int>(order.kind));
    set_thread_order(order);
    Outputs out = run(cuda());
    if (!first) {
      verify(out);
      first = std::move(out);
    } else {
      CHECK(first_difference(*first, out) == "");
    }
  }
  check_agreement(*first, run(*cpu_device("portable", 1)));
}

}  // namespace saccade::reference
