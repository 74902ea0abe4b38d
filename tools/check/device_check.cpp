#include "tools/check/device_check.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>

namespace saccade::check {
namespace {

/// |a - b| / |b|; infinite when either holds a number that is not finite.
double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return infinite;
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    difference += (x - y) * (x - y);
    norm += y * y;
  }
  if (difference == 0) return 0;
  return norm > 0 ? std::sqrt(difference / norm) : infinite;
}

/// After one call that warmed up. A GPU's first calls of a kind are recorded (engine/cuda/command_queue.h): among nine
/// they do not reach the median.
double median_ms(const Trial& trial) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t most_calls = 9;
  constexpr double enough_ms = 500;
  std::vector<double> times;
  for (double total = 0; times.size() < most_calls && total < enough_ms; total += times.back()) {
    const auto start = Clock::now();
    trial.call();
    trial.finish();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

bool has_fused_multiply_add(const Device& device) { return device.instruction_set() != "portable"; }

}  // namespace

std::vector<Case> cases(const NetworkSpec& network, int views) {
  std::vector<Case> all;
  for (std::vector<Case>& some :
       std::vector<std::vector<Case>>{map_cases(network, views), convolution_cases(network, views),
                                      head_cases(network, views), loss_cases(network, views), optimiser_cases(network)})
    std::ranges::move(some, std::back_inserter(all));
  return all;
}

Result run(const Case& one, Device& device, Device& reference, bool timed) {
  Trial trial(device), expected(reference);
  for (Trial* each : {&trial, &expected}) {
    one.prepare(*each);
    each->call();
    each->afterwards();
  }
  // A product that is rounded before it is added gives other bits.
  const bool may_be_same = has_fused_multiply_add(device) == has_fused_multiply_add(reference);
  Result result;
  result.ok = true;
  for (std::size_t i = 0; i < trial.outputs().size(); ++i) {
    const double tolerance =
        trial.outputs()[i].tolerance == same_bits && !may_be_same ? rounding : trial.outputs()[i].tolerance;
    const double error = relative_error(trial.outputs()[i].read(), expected.outputs()[i].read());
    const bool ok = error <= tolerance;
    if (i == 0 || (result.ok && !ok) || (result.ok == ok && error > result.error))
      result.error = error, result.tolerance = tolerance;
    result.ok = result.ok && ok;
  }
  if (timed) result.device_ms = median_ms(trial), result.reference_ms = median_ms(expected);
  return result;
}

}  // namespace saccade::check
