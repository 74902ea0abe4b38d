#pragma once
#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, CVPR 2016, section 4.3): sixteen outputs of a 3x3 kernel
/// from 36 products per pair of channels instead of 144,
///   Y = A^T [ sum over channels of (G g G^T) * (B^T d B) ] A,
/// d the 6x6 inputs under a tile of 4x4 outputs, g the kernel. Vectors run over 16 channels; all values of a tile are
/// transformed in registers. Tiles do not depend on one another, and the sum over channels is one chain in their order.
namespace saccade::cpu::SACCADE_ISA {

inline constexpr int winograd_tile = 4;  ///< outputs on a side; a patch has 6 inputs

/// B^T d, for one row or column.
SACCADE_INLINE void winograd_input(V16 (&d)[6]) {
  const V16 two = broadcast(2), four = broadcast(4), five = broadcast(5);
  const V16 p = sub(d[4], mul(four, d[2])), q = sub(d[3], mul(four, d[1]));
  const V16 r = sub(d[4], d[2]), s = mul(two, sub(d[3], d[1]));
  const V16 first = fma(four, d[0], sub(d[4], mul(five, d[2])));
  const V16 last = fma(four, d[1], sub(d[5], mul(five, d[3])));
  d[0] = first;
  d[1] = add(p, q);
  d[2] = sub(p, q);
  d[3] = add(r, s);
  d[4] = sub(r, s);
  d[5] = last;
}

/// G g, for one row or column of the kernel.
SACCADE_INLINE void winograd_kernel(V16 a, V16 b, V16 c, V16 (&u)[6]) {
  const V16 sixth = broadcast(1.0f / 6), twelfth = broadcast(1.0f / 12), twenty_fourth = broadcast(1.0f / 24);
  const V16 even = mul(sixth, add(a, c)), odd = mul(sixth, b);
  const V16 outer = fma(sixth, c, mul(twenty_fourth, a)), inner = mul(twelfth, b);
  u[0] = mul(broadcast(0.25f), a);
  u[1] = sub(zero(), add(even, odd));
  u[2] = sub(odd, even);
  u[3] = add(outer, inner);
  u[4] = sub(outer, inner);
  u[5] = c;
}

/// A^T m, for one row or column: y[0 .. 3].
SACCADE_INLINE void winograd_output(V16 m0, V16 m1, V16 m2, V16 m3, V16 m4, V16 m5, V16 (&y)[4]) {
  const V16 p = add(m1, m2), q = sub(m1, m2), r = add(m3, m4), s = sub(m3, m4);
  y[0] = add(add(m0, p), r);
  y[1] = fma(broadcast(2), s, q);
  y[2] = fma(broadcast(4), r, p);
  y[3] = add(fma(broadcast(8), s, q), m5);
}

/// A e, for one row or column of errors: the transpose of winograd_output.
SACCADE_INLINE void winograd_error(V16 e0, V16 e1, V16 e2, V16 e3, V16 (&u)[6]) {
  const V16 even = add(e0, e2), odd = add(e1, e3);
  const V16 outer_even = fma(broadcast(4), e2, e0), outer_odd = fma(broadcast(8), e3, add(e1, e1));
  u[0] = e0;
  u[1] = add(even, odd);
  u[2] = sub(even, odd);
  u[3] = add(outer_even, outer_odd);
  u[4] = sub(outer_even, outer_odd);
  u[5] = e3;
}

/// G^T u, for one row or column: the transpose of winograd_kernel.
SACCADE_INLINE void winograd_kernel_gradient(const V16 (&u)[6], V16& a, V16& b, V16& c) {
  const V16 sixth = broadcast(1.0f / 6), twelfth = broadcast(1.0f / 12), twenty_fourth = broadcast(1.0f / 24);
  const V16 inner = mul(sixth, add(u[1], u[2])), outer = add(u[3], u[4]);
  a = sub(fma(twenty_fourth, outer, mul(broadcast(0.25f), u[0])), inner);
  b = fma(twelfth, sub(u[3], u[4]), mul(sixth, sub(u[2], u[1])));
  c = add(sub(mul(sixth, outer), inner), u[5]);
}

/// B^T d B of a patch, in place.
SACCADE_INLINE void winograd_patch_transform(V16 (&d)[6][6]) {
#pragma GCC unroll 6
  for (int r = 0; r < 6; ++r) winograd_input(d[r]);
#pragma GCC unroll 6
  for (int c = 0; c < 6; ++c) {
    V16 column[6];
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) column[r] = d[r][c];
    winograd_input(column);
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) d[r][c] = column[r];
  }
}

/// G g G^T of 16 kernels side by side.
SACCADE_INLINE void winograd_kernel_transform(const V16 (&g)[3][3], V16 (&u)[6][6]) {
  V16 rows[3][6];
  for (int r = 0; r < 3; ++r) winograd_kernel(g[r][0], g[r][1], g[r][2], rows[r]);
  for (int c = 0; c < 6; ++c) {
    V16 column[6];
    winograd_kernel(rows[0][c], rows[1][c], rows[2][c], column);
    for (int r = 0; r < 6; ++r) u[r][c] = column[r];
  }
}

/// The products of a group of tiles, [36][tiles][lanes], summed over `channels` input channels:
///   products[i][t][k] = (accumulate ? products : 0) + sum over c of patches[i][t][c] * weights[i][c][k].
struct WinogradProducts {
  int tiles;     ///< a multiple of 8
  int channels;  ///< of the patches, [36][tiles][channels]
  const float* patches;
  const float* weights;  ///< first block of 16 outputs: [36][weight_channels][16]
  std::ptrdiff_t weight_channels, weight_block;
  int blocks;       ///< 1 or 2 blocks of 16 outputs
  float* products;  ///< [36][tiles][32]
  bool accumulate;
};
void winograd_products(const WinogradProducts& task);

}  // namespace saccade::cpu::SACCADE_ISA
