#pragma once
#include "cuda_emulation.h"
#include "engine/cuda/cuda_device.h"

/// For the tests of a device's operations (tests/engine/device_*_test.cpp), built a second time for the CUDA device:
/// the same cases against the same double-precision reference, the device's threads in three orders.
namespace saccade::reference {

inline Device& emulated_device() {
  static cuda_emulated::CudaDevice device(cuda_emulated::make_runtime());
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
      if (std::memcmp(&got[i], &values[i], sizeof got[i]) == 0) continue;  // also what neither touched: NaN, say
      difference += std::pow(static_cast<double>(got[i]) - static_cast<double>(values[i]), 2);
    }
    for (float x : values)
      if (std::isfinite(x)) norm += static_cast<double>(x) * static_cast<double>(x);
    CHECK(std::sqrt(difference) <= agreement * std::sqrt(norm));  // NaN fails
  }
  CHECK(cuda.ints == cpu.ints);
}

/// A sanitizer sees races and overflows in any order; three times its time would tell no more.
inline std::vector<emulation::Order> thread_orders() {
  using Kind = emulation::Order::Kind;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return {{Kind::random, 7}};
#else
  return {{Kind::ascending, 0}, {Kind::descending, 0}, {Kind::random, 7}};
#endif
}

/// Runs `run(device) -> Outputs` on the emulated CUDA device and demands what `verify` does, the same bits whatever the
/// order of threads and blocks, and agreement with the CPU device.
template <class Run, class Verify>
void on_all_devices(Run run, Verify verify) {
  std::optional<Outputs> first;
  for (const emulation::Order order : thread_orders()) {
    CAPTURE(static_cast<int>(order.kind));
    emulation::set_order(order);
    Outputs out = run(emulated_device());
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
