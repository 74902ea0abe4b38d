#include <algorithm>

#include "engine/cpu/cpu_device.h"

/// Convolutions of the CPU device in fast arithmetic: how their tiles are shared among tasks. A task owns its tiles, or
/// its part of a gradient.
namespace saccade::cpu {
namespace {

constexpr int most_channels = 64;  // a chunk of 64 channels of 32 patches is 288 KiB: it stays in a core's cache
constexpr int most_tiles = 32;

int tiles_per_view(const WinogradSource& s) { return (s.height + 3) / 4 * ((s.width + 3) / 4); }

WinogradSource activities(const ConvShape& s, const ConstFloats& input, int replica) {
  WinogradSource source{};
  source.map = s.in;
  source.height = s.pools() ? 2 * s.out.height : s.in.height;
  source.width = s.pools() ? 2 * s.out.width : s.in.width;
  source.data = input.at(replica);
  source.data_view = input.view;
  return source;
}

/// As the convolution's result sees them, or as the map below does (`whole`): an odd last row or column of that map has
/// no window, but its neighbours' errors reach it.
WinogradSource errors(const ConvShape& s, const ConstFloats& error, const ConstBytes& winners, int replica,
                      bool whole) {
  WinogradSource source = activities(s, error, replica);
  source.map = s.out;
  source.spread = s.down != Downsample::none;
  source.winners = winners ? winners.at(replica) : nullptr;
  source.winners_view = winners.view;
  if (whole) source.height = s.in.height, source.width = s.in.width;
  return source;
}

}  // namespace

void CpuDevice::winograd_pack(const ConvPack& op) {
  const ConvShape& s = op.shape;
  const bool down = op.way == Way::down;
  const int inputs = down ? s.out.lanes : s.in.lanes, blocks = (down ? s.in.lanes : s.out.lanes) / 16;
  run(static_cast<std::size_t>(op.extent.replicas) * blocks,
      static_cast<double>(op.extent.replicas) * 36 * s.in.lanes * s.out.lanes, [&](std::size_t task) {
        const int replica = static_cast<int>(task) / blocks, block = static_cast<int>(task) % blocks;
        if (any_active(op.active, replica, op.extent.views))
          kernels_.winograd_weights({op.weights.weights.at(replica), s.in.lanes, down, op.weights.sign_only, inputs,
                                     op.packed.at(replica), block});
      });
}

void CpuDevice::winograd_forward(const ConvForward& op) {
  const ConvShape& s = op.shape;
  for (int r = 0; r < op.extent.replicas; ++r) {
    WinogradTask task{};
    task.source = activities(s, op.input, r);
    task.out = s.out;
    task.pools = s.pools();
    task.weights = op.packed.at(r);
    task.activation = s.activation;
    task.output = op.output.at(r);
    task.output_view = op.output.view;
    task.winners = op.winners ? op.winners.at(r) : nullptr;
    task.winners_view = op.winners.view;
    winograd(task, op.extent.views, multiply_adds(s, {1, op.extent.views}));
  }
}

void CpuDevice::winograd_input_gradient(const ConvInputGradient& op) {
  const ConvShape& s = op.shape;
  for (int r = 0; r < op.extent.replicas; ++r) {
    find_active_views(op.active, r, op.extent.views);
    const int views = static_cast<int>(active_views_.size());
    WinogradTask task{};
    task.source = errors(s, op.error, op.winners, r, true);
    task.source.views = active_views_.data();
    task.out = s.in;
    task.weights = op.packed.at(r);
    task.activation = op.below;
    task.below = op.input.at(r);
    task.below_view = op.input.view;
    task.output = op.error_below.at(r);
    task.output_view = op.error_below.view;
    winograd(task, views, multiply_adds(s, {1, views}));
  }
}

void CpuDevice::winograd(const WinogradTask& task, int views, double work) {
  const int tiles = tiles_per_view(task.source) * views, lanes = task.source.map.lanes;
  const int at_once = std::clamp((tiles / threads_ + 7) / 8 * 8, 8, most_tiles);
  const int channels = std::min(lanes, most_channels);
  const int blocks = lanes > most_channels ? (task.out.lanes + 31) / 32 : 1;
  reserve_scratch(static_cast<std::size_t>(36) *
                  (winograd_step(at_once, channels) + blocks * winograd_step(at_once, 32)));
  run(static_cast<std::size_t>((tiles + at_once - 1) / at_once), work, [&](std::size_t i) {
    WinogradTask own = task;
    own.channels_at_once = channels;
    own.begin = static_cast<int>(i) * at_once;
    own.end = std::min(tiles, own.begin + at_once);
    own.scratch = scratch();
    kernels_.conv_winograd(own);
  });
}

void CpuDevice::winograd_weight_gradient(const ConvWeightGradient& op) {
  const ConvShape& s = op.shape;
  constexpr std::size_t views_at_once = 16;  // their transformed patches are shared by all tasks, and are a few MB
  const int blocks = s.out.lanes / 16;
  const std::size_t patch_group = static_cast<std::size_t>(36) * winograd_step(winograd_group, s.in.lanes);
  reserve_scratch(static_cast<std::size_t>(36) * (winograd_step(winograd_group, 16) + s.in.lanes * 16));
  for (int r = 0; r < op.extent.replicas; ++r) {
    float* gradient = op.gradient.at(r);
    if (!op.accumulate) std::fill_n(gradient, s.weights(), 0.0f);
    find_active_views(op.active, r, op.extent.views);
    for (std::size_t first = 0; first < active_views_.size(); first += views_at_once) {
      const int views = static_cast<int>(std::min(views_at_once, active_views_.size() - first));
      WinogradSource below = activities(s, op.input, r), above = errors(s, op.error, op.winners, r, false);
      below.views = above.views = active_views_.data() + first;
      const int tiles = tiles_per_view(below) * views, groups = (tiles + winograd_group - 1) / winograd_group;
      patches_.resize(std::max(patches_.size(), groups * patch_group));
      const double work = multiply_adds(s, {1, views});
      constexpr int part = 8;  // tiles of a task
      run(static_cast<std::size_t>((tiles + part - 1) / part), work, [&](std::size_t i) {
        const int begin = static_cast<int>(i) * part;
        kernels_.winograd_patches({below, begin, std::min(tiles, begin + part), patches_.data()});
      });
      run(static_cast<std::size_t>(blocks), work, [&](std::size_t block) {
        kernels_.winograd_gradient(
            {above, tiles, patches_.data(), s.in.lanes, static_cast<int>(block), gradient, scratch()});
      });
    }
  }
}

void CpuDevice::find_active_views(ConstFlags active, int replica, int views) {
  active_views_.clear();
  for (int view = 0; view < views; ++view)
    if (is_active(active, replica, view)) active_views_.push_back(view);
}

}  // namespace saccade::cpu
