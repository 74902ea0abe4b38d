#include <algorithm>
#include <cmath>

#include "engine/cpu/cpu_device.h"

namespace saccade::cpu {
namespace {

constexpr std::size_t weights_per_task = 16384;

/// x^n by squaring: the same bits everywhere, unlike the C library's pow.
double power(double x, std::int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 != 0) result *= x;
  return result;
}

}  // namespace

void CpuDevice::sgd_step_impl(const SgdStep& op) {
  const std::size_t tasks = (op.count + weights_per_task - 1) / weights_per_task;
  for (int replica = 0; replica < op.extent.replicas; ++replica) {
    if (!any_active(op.active, replica, op.extent.views)) continue;
    run(tasks, static_cast<double>(op.count), [&](std::size_t task) {
      const std::size_t begin = task * weights_per_task;
      kernels_.sgd(begin, std::min(op.count, begin + weights_per_task), *op.rate.at(replica), op.gradient.at(replica),
                   op.weights.at(replica), op.feedback ? op.feedback.at(replica) : nullptr);
    });
  }
}

void CpuDevice::adam_step_impl(const AdamStep& op) {
  const std::size_t tasks = (op.count + weights_per_task - 1) / weights_per_task;
  for (int replica = 0; replica < op.extent.replicas; ++replica) {
    if (!any_active(op.active, replica, op.extent.views)) continue;
    const std::int64_t step = ++*op.steps.at(replica);
    const auto step_size = static_cast<float>(*op.rate.at(replica) / (1 - power(op.beta1, step)));
    const auto root = static_cast<float>(1 / std::sqrt(1 - power(op.beta2, step)));
    run(tasks, static_cast<double>(op.count), [&](std::size_t task) {
      const std::size_t begin = task * weights_per_task;
      kernels_.adam({begin, std::min(op.count, begin + weights_per_task), op.gradient.at(replica),
                     op.weights.at(replica), op.feedback ? op.feedback.at(replica) : nullptr,
                     op.first_moment.at(replica), op.second_moment.at(replica), op.beta1, op.beta2, op.epsilon,
                     step_size, root});
    });
  }
}

}  // namespace saccade::cpu
