#pragma once
#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Direct 3x3 convolution of a register tile, without im2col: sums of Rows x Columns pixels x Blocks vectors of 16
/// outputs stay in registers while the loop runs over the 9 taps and, inside, over the input channels. Per step: Blocks
/// weight vectors are loaded, each pixel's input is broadcast, Rows * Columns * Blocks fused multiply-adds follow. The
/// order of a sum (tap, then channel) does not depend on the tile.
namespace saccade::cpu::SACCADE_ISA {

/// Strides, in floats, of a convolution that reads a bordered map. The forward pass and the error's way down differ
/// only here.
struct ConvStrides {
  std::ptrdiff_t row, pixel;           ///< of the map read
  int channels;                        ///< of the map read: length of the inner sum
  std::ptrdiff_t tap, channel, block;  ///< of the weights
};

/// Step: pixels of the map read from one output to the next.
template <int Rows, int Columns, int Blocks, bool SignOnly, int Step = 1>
SACCADE_INLINE void conv_tile(const float* corner, const float* weights, const ConvStrides& s,
                              V16 (&sums)[Rows][Columns][Blocks]) {
#pragma GCC unroll 2
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < Columns; ++c)
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b) sums[r][c][b] = zero();
  for (int tap = 0; tap < 9; ++tap) {
    const float* x = corner + (tap / 3) * s.row + (tap % 3) * s.pixel;
    const float* w = weights + tap * s.tap;
    for (int channel = 0; channel < s.channels; ++channel, ++x, w += s.channel) {
      V16 weight[Blocks];
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b) {
        weight[b] = load(w + b * s.block);
        if constexpr (SignOnly) weight[b] = sign(weight[b]);
      }
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
        for (int c = 0; c < Columns; ++c) {
          const V16 input = broadcast(x[Step * r * s.row + Step * c * s.pixel]);
#pragma GCC unroll 2
          for (int b = 0; b < Blocks; ++b) sums[r][c][b] = fma(input, weight[b], sums[r][c][b]);
        }
    }
  }
}

/// Calls tile.operator()<Rows, Columns>(row, column) so that rows [begin, end) and columns [0, columns) are covered.
/// Where the size is no multiple of the tile, the last tile overlaps the one before it and writes the same values
/// again.
template <class Tile>
SACCADE_INLINE void cover_with_tiles(int begin, int end, int columns, Tile&& tile) {
  const bool single_row = end - begin == 1;
  for (int r = begin; r < end; r += 2) {
    const int row = single_row || r + 2 <= end ? r : end - 2;
    for (int c = 0; c < columns; c += tile_columns) {
      if (columns < 2 || (columns < tile_columns && columns % 2 != 0)) {  // narrow maps, column by column
        for (int column = c; column < columns && column < c + tile_columns; ++column)
          single_row ? tile.template operator()<1, 1>(row, column) : tile.template operator()<2, 1>(row, column);
      } else if (columns < tile_columns) {
        single_row ? tile.template operator()<1, 2>(row, c) : tile.template operator()<2, 2>(row, c);
      } else {
        const int column = c + tile_columns <= columns ? c : columns - tile_columns;
        single_row ? tile.template operator()<1, tile_columns>(row, column)
                   : tile.template operator()<2, tile_columns>(row, column);
      }
    }
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
