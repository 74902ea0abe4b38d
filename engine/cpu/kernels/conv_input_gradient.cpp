#include "engine/cpu/kernels/activation.h"
#include "engine/cpu/kernels/conv_tile.h"

/// The error's way down: a convolution of the error with the feedback weights turned by 180 degrees, then the
/// derivative of the activation below, eqs. 9 and 10. A transposed convolution is the same sum, then the activation
/// itself.
namespace saccade::cpu::SACCADE_ISA {
namespace {

template <int Blocks, bool SignOnly>
void gradient_blocks(const ConvInputGradientTask& t, int block) {
  const MapShape& in = t.shape.in;
  const MapShape error{in.height, in.width, t.shape.out.channels, t.shape.out.lanes, 1};
  // weights by post-synaptic unit: [k][tap][lane]; tap 8 first, which turns the kernel
  const ConvStrides strides{error.row_stride(),           error.lanes, error.channels, -in.lanes,
                            std::ptrdiff_t{9} * in.lanes, 16};
  const float* weights = t.feedback + std::ptrdiff_t{8} * in.lanes + block * 16;

  auto tile = [&]<int Rows, int Columns>(int row, int column) {
    V16 sums[Rows][Columns][Blocks];
    conv_tile<Rows, Columns, Blocks, SignOnly>(t.error + error.offset(row - 1, column - 1), weights, strides, sums);
    for (int r = 0; r < Rows; ++r)
      for (int c = 0; c < Columns; ++c)
        for (int b = 0; b < Blocks; ++b) {
          const std::ptrdiff_t at = in.offset(row + r, column + c) + (block + b) * 16;
          store(t.error_below + at, t.input ? through_derivative(t.below, load(t.input + at), sums[r][c][b])
                                            : activate(t.below, sums[r][c][b]));
        }
  };
  cover_with_tiles(t.row_begin, t.row_end, in.width, tile);
}

template <bool SignOnly>
void gradient(const ConvInputGradientTask& task) {
  int block = task.block_begin;
  for (; block + blocks_per_tile <= task.block_end; block += blocks_per_tile)
    gradient_blocks<blocks_per_tile, SignOnly>(task, block);
  for (; block < task.block_end; ++block) gradient_blocks<1, SignOnly>(task, block);
}

}  // namespace

void conv_input_gradient(const ConvInputGradientTask& task) {
  task.sign_only ? gradient<true>(task) : gradient<false>(task);
}

}  // namespace saccade::cpu::SACCADE_ISA
