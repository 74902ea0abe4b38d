#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/active_views.cuh"
#include "engine/cuda/kernels/kernels.h"
#include "engine/cuda/kernels/launch_size.h"

/// Weights for the way up: [in.channels][3][3][out.lanes], so that threads along output channels read neighbours. With
/// the roles of the two maps exchanged this is the order in which weights are stored anyway, by post-synaptic unit:
/// [out.channels][3][3][in.lanes]. So errors on their way down are convolved by the same kernels straight from the
/// feedback weights, and nothing is packed for them. Both arithmetics are the same here.
///
/// A block transposes 32 units x 32 inputs of one tap through shared memory (4.1 KiB), so that both sides are read and
/// written in whole lines: 8 bytes moved per weight.
namespace saccade::SACCADE_CUDA {
namespace {

constexpr int side = 32, rows_at_once = 8, threads = side * rows_at_once;

struct PackTask {
  int channels, in_lanes, out_lanes, views, unit_tiles, channel_tiles;
  ConstFloats weights;
  ConstFlags active;
  Floats packed;
};

__global__ void __launch_bounds__(threads) pack_kernel(PackTask t) {
  SACCADE_SHARED_ARRAY(float, tile, [side][side + 1]);
  const int x = static_cast<int>(threadIdx.x) % side, y = static_cast<int>(threadIdx.x) / side;
  int index = static_cast<int>(blockIdx.x);
  const int unit = index % t.unit_tiles * side;
  index /= t.unit_tiles;
  const int channel = index % t.channel_tiles * side;
  index /= t.channel_tiles;
  const int tap = index % 9, replica = index / 9;

  if (!any_view_is_active<threads>(t.active, replica, t.views)) return;

  const float* from = t.weights.at(replica);
  for (int k = y; k < side && unit + k < t.out_lanes; k += rows_at_once)
    if (channel + x < t.channels)
      tile[k][x] = from[(static_cast<std::ptrdiff_t>(unit + k) * 9 + tap) * t.in_lanes + channel + x];
  __syncthreads();
  float* to = t.packed.at(replica);
  for (int c = y; c < side && channel + c < t.channels; c += rows_at_once)
    if (unit + x < t.out_lanes)
      to[(static_cast<std::ptrdiff_t>(channel + c) * 9 + tap) * t.out_lanes + unit + x] = tile[x][c];
}

}  // namespace

std::size_t packed_size(const ConvShape& shape, Way way) {
  return way == Way::up && !shape.local() ? static_cast<std::size_t>(shape.in.channels) * 9 * shape.out.lanes : 0;
}

void conv_pack(Queue& queue, const ConvPack& op) {
  if (op.way == Way::down) return;
  const MapShape &in = op.shape.in, &out = op.shape.out;
  const PackTask task{in.channels,
                      in.lanes,
                      out.lanes,
                      op.extent.views,
                      static_cast<int>(divide_up(out.lanes, side)),
                      static_cast<int>(divide_up(in.channels, side)),
                      op.weights.weights,
                      op.active,
                      op.packed};
  const auto count = static_cast<unsigned>(task.unit_tiles * task.channel_tiles * 9 * op.extent.replicas);
  queue.launch("conv_pack", pack_kernel, {count}, {threads}, task);
}

}  // namespace saccade::SACCADE_CUDA
