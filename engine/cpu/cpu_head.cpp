#include <algorithm>
#include <cstring>

#include "engine/cpu/cpu_device.h"

/// Heads of the CPU device: a task is one row of the map, because a row's weights fit a core's cache.
namespace saccade::cpu {
namespace {

double multiply_adds(const HeadShape& s, const Extent& e) {
  return static_cast<double>(s.weights()) * e.views * e.replicas;
}

}  // namespace

void CpuDevice::head_forward_impl(const HeadForward& op) {
  const int rows = op.shape.in.height, lanes = op.shape.lanes(), views = op.extent.views;
  constexpr int views_per_task = 64;
  const int groups = (views + views_per_task - 1) / views_per_task;
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * views;
  partials_.resize(maps * rows * lanes);  // [replica][row][view][lane]
  auto partial = [&](int replica, int row, int view) {
    return partials_.data() + ((static_cast<std::size_t>(replica) * rows + row) * views + view) * lanes;
  };
  run(static_cast<std::size_t>(op.extent.replicas) * groups * rows, multiply_adds(op.shape, op.extent),
      [&](std::size_t task) {
        const int row = static_cast<int>(task % rows), group = static_cast<int>(task / rows) % groups;
        const int replica = static_cast<int>(task / rows) / groups;
        const int end = std::min(views, (group + 1) * views_per_task);
        for (int view = group * views_per_task; view < end;) {  // runs of active views
          int run_end = view;
          while (run_end < end && is_active(op.active, replica, run_end)) ++run_end;
          if (run_end > view)
            kernels_.head_forward({op.shape, op.input.at(replica, view), op.input.view, run_end - view,
                                   op.weights.at(replica), partial(replica, row, view), lanes, row});
          view = std::max(run_end, view + 1);
        }
      });
  run(maps, static_cast<double>(maps) * rows * lanes, [&](std::size_t map) {
    const int replica = static_cast<int>(map) / views, view = static_cast<int>(map) % views;
    if (!is_active(op.active, replica, view)) return;
    float* embedding = op.embedding.at(replica, view);
    std::memcpy(embedding, partial(replica, 0, view), sizeof(float) * lanes);
    for (int row = 1; row < rows; ++row) {
      const float* part = partial(replica, row, view);
      for (int lane = 0; lane < lanes; ++lane) embedding[lane] += part[lane];
    }
  });
}

void CpuDevice::pass_row(const HeadInputGradient& op, int replica, int view, int views, int row) {
  kernels_.head_input_gradient({op.shape, op.error.at(replica, view), op.error.view, op.feedback.weights.at(replica),
                                op.feedback.sign_only, op.input.at(replica, view), op.input.view, op.below,
                                op.active ? op.active.at(replica, view) : nullptr, op.active.view, views,
                                op.error_below.at(replica, view), op.error_below.view, row, op.accumulate});
}

void CpuDevice::hebb_row(const HeadHebb& op, int replica, int row) {
  for (int view = 0; view < op.extent.views; ++view)
    if (is_active(op.active, replica, view))
      kernels_.head_hebb({op.shape, op.input.at(replica, view), op.error.at(replica, view), *op.rate.at(replica),
                          op.weights.at(replica), op.feedback ? op.feedback.at(replica) : nullptr, row});
}

void CpuDevice::head_input_gradient_impl(const HeadInputGradient& op) {
  const int rows = op.shape.in.height, views = op.extent.views;
  constexpr int views_per_task = 16;
  const int groups = (views + views_per_task - 1) / views_per_task;
  run(static_cast<std::size_t>(op.extent.replicas) * groups * rows, multiply_adds(op.shape, op.extent),
      [&](std::size_t task) {
        const int row = static_cast<int>(task % rows), group = static_cast<int>(task / rows) % groups;
        const int replica = static_cast<int>(task / rows) / groups, view = group * views_per_task;
        pass_row(op, replica, view, std::min(views_per_task, views - view), row);
      });
}

void CpuDevice::head_weight_gradient_impl(const HeadWeightGradient& op) {
  const int rows = op.shape.in.height;
  run(static_cast<std::size_t>(op.extent.replicas) * rows, multiply_adds(op.shape, op.extent), [&](std::size_t task) {
    const int row = static_cast<int>(task) % rows, replica = static_cast<int>(task) / rows;
    kernels_.head_weight_gradient({op.shape, op.input.at(replica), op.input.view, op.error.at(replica), op.error.view,
                                   op.active ? op.active.at(replica) : nullptr, op.active.view, op.extent.views,
                                   op.gradient.at(replica), op.accumulate, row});
  });
}

void CpuDevice::head_hebb_impl(const HeadHebb& op) {
  const int rows = op.shape.in.height;
  run(static_cast<std::size_t>(op.extent.replicas) * rows, multiply_adds(op.shape, op.extent),
      [&](std::size_t task) { hebb_row(op, static_cast<int>(task) / rows, static_cast<int>(task) % rows); });
}

void CpuDevice::head_descend_impl(const HeadDescend& op) {
  // Row by row: where an error has just passed, the weights that learn are still in the core's cache.
  const int rows = op.step.shape.in.height;
  run(static_cast<std::size_t>(op.step.extent.replicas) * rows, 2 * multiply_adds(op.step.shape, op.step.extent),
      [&](std::size_t task) {
        const int row = static_cast<int>(task) % rows, replica = static_cast<int>(task) / rows;
        pass_row(op.error, replica, 0, op.error.extent.views, row);
        hebb_row(op.step, replica, row);
      });
}

}  // namespace saccade::cpu
