#include "engine/cpu/cpu_device.h"

/// Average pooling of the CPU device: a task is one row of one view.
namespace saccade::cpu {
namespace {

double numbers(const AverageShape& s, const Extent& e) {
  return static_cast<double>(s.in.size()) * e.views * e.replicas;
}

}  // namespace

void CpuDevice::average_pool_impl(const AveragePool& op) {
  const int rows = op.shape.out.height, views = op.extent.views;
  run(static_cast<std::size_t>(op.extent.replicas) * views * rows, numbers(op.shape, op.extent), [&](std::size_t task) {
    const int row = static_cast<int>(task % rows), view = static_cast<int>(task / rows) % views;
    const int replica = static_cast<int>(task / rows) / views;
    kernels_.average_pool({op.shape, op.input.at(replica, view), op.output.at(replica, view), row});
  });
}

void CpuDevice::average_pool_gradient_impl(const AveragePoolGradient& op) {
  const int rows = op.shape.in.height, views = op.extent.views;
  run(static_cast<std::size_t>(op.extent.replicas) * views * rows, numbers(op.shape, op.extent), [&](std::size_t task) {
    const int row = static_cast<int>(task % rows), view = static_cast<int>(task / rows) % views;
    const int replica = static_cast<int>(task / rows) / views;
    if (!is_active(op.active, replica, view)) return;
    kernels_.average_pool_gradient({op.shape, op.error.at(replica, view), op.input.at(replica, view), op.below,
                                    op.error_below.at(replica, view), row});
  });
}

}  // namespace saccade::cpu
