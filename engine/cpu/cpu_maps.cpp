#include "engine/cpu/cpu_device.h"
#include "engine/random.h"

/// Element-wise operations on maps: one task a view.
namespace saccade::cpu {

void CpuDevice::combine_impl(const Combine& op) {
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * op.extent.views;
  run(maps, static_cast<double>(maps * op.count), [&](std::size_t map) {
    const int replica = static_cast<int>(map) / op.extent.views, view = static_cast<int>(map) % op.extent.views;
    if (!is_active(op.active, replica, view)) return;
    kernels_.combine({op.count, op.a.at(replica, view), op.b.at(replica, view), op.c ? op.c.at(replica, view) : nullptr,
                      op.scale, op.output.at(replica, view)});
  });
}

void CpuDevice::target_error_impl(const TargetError& op) {
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * op.extent.views;
  run(maps, static_cast<double>(maps * op.count), [&](std::size_t map) {
    const int replica = static_cast<int>(map) / op.extent.views, view = static_cast<int>(map) % op.extent.views;
    if (!is_active(op.active, replica, view)) return;
    const float loss = kernels_.target_error({op.count, op.output.at(replica, view), op.target.at(replica, view),
                                              op.activation, op.scale, op.error.at(replica, view)});
    if (op.loss) *op.loss.at(replica, view) = loss;
  });
}

void CpuDevice::add_noise_impl(const AddNoise& op) {
  const MapShape& s = op.shape;
  const Random random(op.seed, Purpose::feedback_noise, op.entity, op.event);
  constexpr double cost_of_a_number = 100;  // in multiply-adds
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * op.extent.views;
  run(maps, static_cast<double>(maps * s.features()) * cost_of_a_number, [&](std::size_t map) {
    const int replica = static_cast<int>(map) / op.extent.views, view = static_cast<int>(map) % op.extent.views;
    const float* from = op.input.at(replica, view);
    float* to = op.output.at(replica, view);
    auto draw = static_cast<std::uint32_t>(static_cast<std::size_t>(op.first + view) * s.features());
    for (int y = 0; y < s.height; ++y)
      for (int x = 0; x < s.width; ++x)
        for (int c = 0; c < s.channels; ++c, ++draw) {
          const std::ptrdiff_t at = s.offset(y, x) + c;
          to[at] = from[at] + static_cast<float>(op.deviation * random.normal(draw));
        }
  });
}

}  // namespace saccade::cpu
