#include "engine/cpu/cpu_device.h"

/// Locally connected layers of the CPU device: a task is one position for all views of a replica, and the only one that
/// reads (or writes) its weights.
namespace saccade::cpu {
namespace {

/// The listed views of one replica.
template <class Op>
LocalErrors errors_of(const Op& op, int replica, const std::vector<std::int32_t>& active) {
  return {op.shape,
          op.error.at(replica),
          op.winners ? op.winners.at(replica) : nullptr,
          op.error.view,
          op.winners.view,
          active.data(),
          static_cast<int>(active.size())};
}

}  // namespace

void CpuDevice::local_forward(const ConvForward& op) {
  const MapShape& out = op.shape.out;
  const std::size_t positions = static_cast<std::size_t>(out.height) * out.width;
  run(positions * op.extent.replicas, multiply_adds(op.shape, op.extent), [&](std::size_t task) {
    const int replica = static_cast<int>(task / positions), position = static_cast<int>(task % positions);
    kernels_.local_forward({op.shape, op.input.at(replica), op.packed.at(replica), op.output.at(replica),
                            op.winners ? op.winners.at(replica) : nullptr, op.input.view, op.output.view,
                            op.winners.view, op.extent.views, position / out.width, position % out.width});
  });
}

void CpuDevice::local_weight_gradient(const ConvWeightGradient& op) {
  const int columns = op.shape.columns();
  for (int r = 0; r < op.extent.replicas; ++r) {
    find_active_views(op.active, r, op.extent.views);
    const LocalErrors errors = errors_of(op, r, active_views_);
    run(static_cast<std::size_t>(op.shape.rows()) * columns, multiply_adds(op.shape, {1, errors.count + 1}),
        [&](std::size_t position) {
          kernels_.local_weight_gradient({errors, op.input.at(r), op.input.view, op.gradient.at(r), op.accumulate,
                                          static_cast<int>(position) / columns, static_cast<int>(position) % columns});
        });
  }
}

void CpuDevice::local_input_gradient(const ConvInputGradient& op) {
  const MapShape& in = op.shape.in;
  for (int r = 0; r < op.extent.replicas; ++r) {
    find_active_views(op.active, r, op.extent.views);
    const LocalErrors errors = errors_of(op, r, active_views_);
    if (errors.count == 0) continue;
    run(static_cast<std::size_t>(in.height) * in.width, multiply_adds(op.shape, {1, errors.count}),
        [&](std::size_t pixel) {
          kernels_.local_input_gradient({errors, op.feedback.weights.at(r), op.feedback.sign_only, op.input.at(r),
                                         op.below, op.error_below.at(r), op.input.view, op.error_below.view,
                                         static_cast<int>(pixel) / in.width, static_cast<int>(pixel) % in.width});
        });
  }
}

}  // namespace saccade::cpu
