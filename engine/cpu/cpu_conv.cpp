#include <algorithm>
#include <cstring>

#include "engine/cpu/cpu_device.h"

/// Convolutions of the CPU device: how an operation is split into tasks. The split depends on sizes and threads, the
/// result does not: a task owns its outputs, and no sum is shared between tasks.
namespace saccade::cpu {
namespace {

/// Splits `blocks` channel blocks and `rows` rows (in pairs) of each of `maps` maps: as few pieces as keep the threads
/// busy.
struct ConvSplit {
  int groups, blocks_per_group, bands, rows_per_band;

  ConvSplit(int blocks, int rows, std::size_t maps, int threads, int blocks_per_tile) {
    blocks_per_group = blocks_per_tile;  // its weights stay in the cache of one core while the map passes by
    groups = (blocks + blocks_per_group - 1) / blocks_per_group;
    rows_per_band = rows;
    constexpr int smallest_band = 8;
    while (maps * groups * bands_of(rows) < static_cast<std::size_t>(2 * threads) && rows_per_band > smallest_band)
      rows_per_band = std::max(smallest_band, (rows_per_band / 2 + 1) / 2 * 2);
    bands = bands_of(rows);
  }
  std::size_t pieces() const { return static_cast<std::size_t>(groups) * bands; }

 private:
  int bands_of(int rows) const { return (rows + rows_per_band - 1) / rows_per_band; }
};

}  // namespace

std::size_t CpuDevice::packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const {
  if (arithmetic == Arithmetic::fast && winograd_pays(shape, way))
    return std::size_t{36} * shape.in.lanes * shape.out.lanes;
  return way == Way::up && !shape.local() ? static_cast<std::size_t>(shape.out.lanes) * 9 * shape.in.channels : 0;
}

void CpuDevice::conv_pack_impl(const ConvPack& op) {
  const ConvShape& shape = op.shape;
  if (op.arithmetic == Arithmetic::fast && winograd_pays(shape, op.way)) return winograd_pack(op);
  if (op.way == Way::down) return;
  const int blocks = shape.out.lanes / 16, channels = shape.in.channels, lanes = shape.in.lanes;
  run(static_cast<std::size_t>(op.extent.replicas) * blocks, static_cast<double>(op.extent.replicas * shape.weights()),
      [&](std::size_t task) {
        const int replica = static_cast<int>(task) / blocks, block = static_cast<int>(task) % blocks;
        if (!any_active(op.active, replica, op.extent.views)) return;
        const float* from = op.weights.weights.at(replica) + static_cast<std::ptrdiff_t>(block) * 16 * 9 * lanes;
        float* to = op.packed.at(replica) + static_cast<std::ptrdiff_t>(block) * 16 * 9 * channels;
        for (int tap = 0; tap < 9; ++tap)
          for (int c = 0; c < channels; ++c, to += 16)
            for (int k = 0; k < 16; ++k) to[k] = from[(k * 9 + tap) * lanes + c];
      });
}

/// Depth first: a task takes its views through all layers, so that what one layer leaves is in its core's cache for the
/// next. Where there are too few views for that, or where local weights are the larger part of what is read, layer
/// after layer.
void CpuDevice::conv_forward_impl(const std::vector<ConvForward>& layers) {
  constexpr int views_at_once = 8;
  if (layers.empty()) return;
  const Extent extent = layers.front().extent;
  const int parts = (extent.views + views_at_once - 1) / views_at_once;
  const auto local = [](const ConvForward& op) { return op.shape.local(); };
  if (parts < 2 * threads() || std::any_of(layers.begin(), layers.end(), local)) {
    for (const ConvForward& op : layers) forward(op, Threads::all);
    return;
  }
  for (const ConvForward& op : layers)
    if (op.arithmetic == Arithmetic::fast) reserve_scratch(winograd_scratch(op.shape, Way::up));
  double work = 0;
  for (const ConvForward& op : layers) work += multiply_adds(op.shape, extent);
  run(static_cast<std::size_t>(parts), work, [&](std::size_t part) {
    const int first = static_cast<int>(part) * views_at_once;
    for (ConvForward op : layers) {
      op.extent.views = std::min(views_at_once, extent.views - first);
      op.input = op.input.from(first);
      op.output = op.output.from(first);
      op.winners = op.winners.from(first);
      forward(op, Threads::this_one);
    }
  });
}

void CpuDevice::forward(const ConvForward& op, Threads threads) {
  if (op.shape.local()) return local_forward(op);
  if (op.arithmetic == Arithmetic::fast && winograd_pays(op.shape, Way::up)) return winograd_forward(op, threads);
  const ConvShape& s = op.shape;
  const int blocks = s.out.lanes / 16, rows = s.rows();
  const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * op.extent.views;
  const ConvSplit split(blocks, rows, maps, threads == Threads::all ? this->threads() : 1, kernels_.blocks_per_tile);
  run(
      maps * split.pieces(), multiply_adds(s, op.extent),
      [&](std::size_t task) {
        const int map = static_cast<int>(task / split.pieces()), piece = static_cast<int>(task % split.pieces());
        const int replica = map / op.extent.views, view = map % op.extent.views;
        const int block = piece / split.bands * split.blocks_per_group, row = piece % split.bands * split.rows_per_band;
        kernels_.conv_forward({s, op.input.at(replica, view), op.packed.at(replica), op.output.at(replica, view),
                               op.winners ? op.winners.at(replica, view) : nullptr, block,
                               std::min(blocks, block + split.blocks_per_group), row,
                               std::min(rows, row + split.rows_per_band)});
      },
      threads);
}

void CpuDevice::conv_weight_gradient_impl(const ConvWeightGradient& op) {
  if (op.shape.local()) return local_weight_gradient(op);
  if (op.arithmetic == Arithmetic::fast && winograd_pays(op.shape, Way::down)) return winograd_weight_gradient(op);
  const ConvShape& s = op.shape;
  const int blocks = s.out.lanes / 16;
  const std::size_t block_size = std::size_t{16} * 9 * s.in.lanes;
  run(static_cast<std::size_t>(op.extent.replicas) * blocks, multiply_adds(s, op.extent), [&](std::size_t task) {
    const int replica = static_cast<int>(task) / blocks, block = static_cast<int>(task) % blocks;
    float* gradient = op.gradient.at(replica);
    if (!op.accumulate)
      std::memset(gradient + static_cast<std::size_t>(block) * block_size, 0, block_size * sizeof(float));
    for (int view = 0; view < op.extent.views; ++view)
      if (is_active(op.active, replica, view))
        kernels_.conv_weight_gradient({s, op.input.at(replica, view), op.error.at(replica, view),
                                       op.winners ? op.winners.at(replica, view) : nullptr, gradient, block});
  });
}

void CpuDevice::conv_input_gradient_impl(const ConvInputGradient& op) {
  if (op.shape.local()) return local_input_gradient(op);
  if (op.packed && winograd_pays(op.shape, Way::down)) return winograd_input_gradient(op);
  transposed_conv(
      {op.shape, op.extent, op.error, op.winners, op.feedback, op.input, op.below, op.active, op.error_below});
}

void CpuDevice::conv_transpose_impl(const ConvTranspose& op) {
  transposed_conv({op.shape, op.extent, op.input, {}, {op.weights, false}, {}, op.activation, op.active, op.output});
}

void CpuDevice::transposed_conv(const TransposedConv& op) {
  const ConvShape& s = op.shape;
  const MapShape full{s.in.height, s.in.width, s.out.channels, s.out.lanes, 1};
  const int blocks = s.in.lanes / 16;
  constexpr int views_at_once = 8;  // errors of a halved map are spread out for so many views at a time
  for (int first = 0; first < op.extent.views; first += views_at_once) {
    const int views = std::min(views_at_once, op.extent.views - first);
    const std::size_t maps = static_cast<std::size_t>(op.extent.replicas) * views;
    const double work = multiply_adds(s, {op.extent.replicas, views});
    const bool spread = s.down != Downsample::none;
    if (spread) {
      spread_errors_.resize(maps * full.size());
      run(maps, work, [&](std::size_t map) {
        const int replica = static_cast<int>(map) / views, view = first + static_cast<int>(map) % views;
        if (!is_active(op.active, replica, view)) return;
        float* to = spread_errors_.data() + map * full.size();
        std::memset(to, 0, full.size() * sizeof(float));
        const float* error = op.above.at(replica, view);
        const std::uint8_t* winner = op.winners ? op.winners.at(replica, view) : nullptr;
        for (int y = 0; y < s.out.height; ++y)
          for (int x = 0; x < s.out.width; ++x) {
            const float* from = error + s.out.offset(y, x);
            if (!winner) {
              std::memcpy(to + full.offset(2 * y, 2 * x), from, static_cast<std::size_t>(s.out.lanes) * sizeof(float));
              continue;
            }
            for (int k = 0; k < s.out.lanes; ++k)
              to[full.offset(2 * y + (winner[k] >> 1), 2 * x + (winner[k] & 1)) + k] = from[k];
            winner += s.out.lanes;
          }
      });
    }
    const ConvSplit split(blocks, s.in.height, maps, threads(), kernels_.blocks_per_tile);
    run(maps * split.pieces(), work, [&](std::size_t task) {
      const std::size_t map = task / split.pieces();
      const int piece = static_cast<int>(task % split.pieces());
      const int replica = static_cast<int>(map) / views, view = first + static_cast<int>(map) % views;
      if (!is_active(op.active, replica, view)) return;
      const int block = piece / split.bands * split.blocks_per_group, row = piece % split.bands * split.rows_per_band;
      kernels_.conv_input_gradient({s, spread ? spread_errors_.data() + map * full.size() : op.above.at(replica, view),
                                    op.weights.weights.at(replica), op.weights.sign_only,
                                    op.input ? op.input.at(replica, view) : nullptr, op.activation,
                                    op.below.at(replica, view), block, std::min(blocks, block + split.blocks_per_group),
                                    row, std::min(s.in.height, row + split.rows_per_band)});
    });
  }
}

}  // namespace saccade::cpu
