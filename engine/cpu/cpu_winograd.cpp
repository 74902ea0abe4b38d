#include <algorithm>

#include "engine/cpu/cpu_device.h"

/// Convolutions of the CPU device in fast arithmetic: how their tiles are shared among tasks. A task owns its tiles, or
/// its part of a gradient.
namespace saccade::cpu {
namespace {

constexpr int most_channels = 64;  // a chunk of 64 channels of 64 patches is 590 kB: it stays in a core's cache

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

std::size_t winograd_scratch(const ConvShape& shape, Way way) {
  const int read = way == Way::up ? shape.in.lanes : shape.out.lanes;
  const int written = way == Way::up ? shape.out.lanes : shape.in.lanes;
  const int blocks = read > most_channels ? (written + 31) / 32 : 1;
  return static_cast<std::size_t>(36) * (winograd_step(winograd_most_tiles, std::min(read, most_channels)) +
                                         blocks * winograd_step(winograd_most_tiles, 32));
}

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

void CpuDevice::winograd_forward(const ConvForward& op, Threads threads) {
  const ConvShape& s = op.shape;
  if (threads == Threads::all) reserve_scratch(winograd_scratch(s, Way::up));
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
    winograd(task, op.extent.views, multiply_adds(s, {1, op.extent.views}), threads);
  }
}

void CpuDevice::winograd_input_gradient(const ConvInputGradient& op) {
  const ConvShape& s = op.shape;
  reserve_scratch(winograd_scratch(s, Way::down));
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
    winograd(task, views, multiply_adds(s, {1, views}), Threads::all);
  }
}

void CpuDevice::winograd(const WinogradTask& task, int views, double work, Threads threads) {
  const int tiles = tiles_per_view(task.source) * views;
  const int share = threads == Threads::all ? tiles / this->threads() : tiles;
  const int at_once = std::clamp((share + 7) / 8 * 8, 8, winograd_most_tiles);
  run(
      static_cast<std::size_t>((tiles + at_once - 1) / at_once), work,
      [&](std::size_t i) {
        WinogradTask own = task;
        own.channels_at_once = std::min(task.source.map.lanes, most_channels);
        own.begin = static_cast<int>(i) * at_once;
        own.end = std::min(tiles, own.begin + at_once);
        own.scratch = scratch();
        kernels_.conv_winograd(own);
      },
      threads);
}

/// About eight tasks, whatever the number of threads: each has as many output channels as leave its sums in a core's
/// cache, and where that is all of them the tiles are shared out in parts.
void CpuDevice::winograd_weight_gradient(const ConvWeightGradient& op) {
  const ConvShape& s = op.shape;
  constexpr int tasks = 8, fewest_tiles = 8;
  constexpr std::size_t cached_floats = 160 * 1024;
  const int blocks = s.out.lanes / 16;
  const std::size_t block_size = static_cast<std::size_t>(36) * 16 * s.in.lanes, part_size = blocks * block_size;
  const int blocks_per_task = static_cast<int>(std::max<std::size_t>(1, cached_floats / block_size));
  const int ranges = (blocks + blocks_per_task - 1) / blocks_per_task;
  reserve_scratch(static_cast<std::size_t>(36) *
                  (winograd_step(winograd_group, s.in.lanes) + winograd_step(winograd_group, 16)));
  for (int r = 0; r < op.extent.replicas; ++r) {
    find_active_views(op.active, r, op.extent.views);
    const int views = static_cast<int>(active_views_.size());
    WinogradSource below = activities(s, op.input, r), above = errors(s, op.error, op.winners, r, false);
    below.views = above.views = active_views_.data();
    const int tiles = tiles_per_view(below) * views;
    const int parts = std::clamp(tiles / fewest_tiles, 1, std::max(1, tasks / ranges));
    sums_.resize(std::max(sums_.size(), parts * part_size));
    run(static_cast<std::size_t>(parts) * ranges, multiply_adds(s, {1, views}), [&](std::size_t task) {
      const int part = static_cast<int>(task) / ranges, first = static_cast<int>(task) % ranges * blocks_per_task;
      const auto share = [&](int i) { return static_cast<int>(static_cast<std::int64_t>(tiles) * i / parts); };
      kernels_.winograd_gradient({below, above, share(part), share(part + 1), first,
                                  std::min(blocks, first + blocks_per_task),
                                  sums_.data() + part * part_size + first * block_size, scratch()});
    });
    run(static_cast<std::size_t>(s.out.lanes), static_cast<double>(parts * part_size), [&](std::size_t channel) {
      kernels_.winograd_gradient_end({sums_.data(), static_cast<std::ptrdiff_t>(part_size), parts, s.in.lanes,
                                      static_cast<int>(channel), op.gradient.at(r), op.accumulate});
    });
  }
}

void CpuDevice::find_active_views(ConstFlags active, int replica, int views) {
  active_views_.clear();
  for (int view = 0; view < views; ++view)
    if (is_active(active, replica, view)) active_views_.push_back(view);
}

}  // namespace saccade::cpu
