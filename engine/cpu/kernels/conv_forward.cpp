#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/conv_tile.h"
#include "engine/cpu/kernels/pool.h"

/// Forward convolution with pooling and activation while the tile is in registers.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Blocks, int Step>
void forward_blocks(const ConvForwardTask& t, int block) {
  const MapShape& in = t.shape.in;
  const MapShape& out = t.shape.out;
  const ConvStrides strides{in.row_stride(),  in.lanes, in.channels,
                            in.channels * 16, 16,       std::ptrdiff_t{9} * in.channels * 16};
  const float* weights = t.packed + block * strides.block;
  const Activation activation = t.shape.activation;

  auto tile = [&]<int Rows, int Columns>(int row, int column) {
    V16 sums[Rows][Columns][Blocks];
    conv_tile<Rows, Columns, Blocks, false, Step>(t.input + in.offset(Step * row - 1, Step * column - 1), weights,
                                                  strides, sums);
    if (t.shape.pools()) {
      if constexpr (Rows == 2 && Columns % 2 == 0) {
        for (int c = 0; c < Columns; c += 2)
          for (int b = 0; b < Blocks; ++b) {
            V16 winner;
            const V16 best = pool_window(sums[0][c][b], sums[0][c + 1][b], sums[1][c][b], sums[1][c + 1][b], winner);
            const int y = row / 2, x = (column + c) / 2, lane = (block + b) * 16;
            store(t.output + out.offset(y, x) + lane, activate(activation, best));
            if (t.winners) store_bytes(t.winners + (std::ptrdiff_t{y} * out.width + x) * out.lanes + lane, winner);
          }
      }
    } else {
      for (int r = 0; r < Rows; ++r)
        for (int c = 0; c < Columns; ++c)
          for (int b = 0; b < Blocks; ++b)
            store(t.output + out.offset(row + r, column + c) + (block + b) * 16, activate(activation, sums[r][c][b]));
    }
  };
  cover_with_tiles(t.row_begin, t.row_end, t.shape.pools() ? 2 * out.width : out.width, tile);
}

template <int Step>
void forward(const ConvForwardTask& task) {
  int block = task.block_begin;
  for (; block + blocks_per_tile <= task.block_end; block += blocks_per_tile)
    forward_blocks<blocks_per_tile, Step>(task, block);
  for (; block < task.block_end; ++block) forward_blocks<1, Step>(task, block);
}

}  // namespace

void conv_forward(const ConvForwardTask& task) {
  task.shape.down == Downsample::stride ? forward<2>(task) : forward<1>(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
