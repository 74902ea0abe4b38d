#include "engine/cpu/kernels/winograd.h"

/// The 36 small matrix products of Winograd's scheme, in register tiles of some tiles x 1 or 2 vectors of outputs: per
/// input channel the weights are loaded once, each tile's value is broadcast.
namespace saccade::cpu::SACCADE_ISA {
namespace {

#if defined(SACCADE_ISA_avx512)
constexpr int tiles_at_once = 8, blocks_at_once = 2;
#else
constexpr int tiles_at_once = 4, blocks_at_once = 1;
#endif

template <int Blocks>
SACCADE_INLINE void some_tiles(const WinogradProducts& t, const float* patches, const float* weights, float* products) {
  V16 sums[tiles_at_once][Blocks];
#pragma GCC unroll 8
  for (int i = 0; i < tiles_at_once; ++i)
#pragma GCC unroll 2
    for (int b = 0; b < Blocks; ++b) sums[i][b] = t.accumulate ? load(products + i * 32 + b * 16) : zero();
  for (int c = 0; c < t.channels; ++c, weights += 16) {
    V16 weight[Blocks];
#pragma GCC unroll 2
    for (int b = 0; b < Blocks; ++b) weight[b] = load(weights + b * t.weight_block);
#pragma GCC unroll 8
    for (int i = 0; i < tiles_at_once; ++i) {
      const V16 value = broadcast(patches[i * t.channels + c]);
#pragma GCC unroll 2
      for (int b = 0; b < Blocks; ++b) sums[i][b] = fma(value, weight[b], sums[i][b]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < tiles_at_once; ++i)
#pragma GCC unroll 2
    for (int b = 0; b < Blocks; ++b) store(products + i * 32 + b * 16, sums[i][b]);
}

template <int Blocks>
void some_blocks(const WinogradProducts& t, int block) {
  for (int i = 0; i < 36; ++i)
    for (int tile = 0; tile < t.tiles; tile += tiles_at_once)
      some_tiles<Blocks>(t, t.patches + i * winograd_step(t.tiles, t.channels) + tile * t.channels,
                         t.weights + block * t.weight_block + i * t.weight_channels * 16,
                         t.products + i * winograd_step(t.tiles, 32) + tile * 32 + block * 16);
}

}  // namespace

void winograd_products(const WinogradProducts& task) {
  int block = 0;
  for (; block + blocks_at_once <= task.blocks; block += blocks_at_once) some_blocks<blocks_at_once>(task, block);
  for (; block < task.blocks; ++block) some_blocks<1>(task, block);
}

}  // namespace saccade::cpu::SACCADE_ISA
