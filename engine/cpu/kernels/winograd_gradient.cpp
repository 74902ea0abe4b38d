#include "engine/cpu/kernels/winograd_patch.h"

/// Weight gradient in Winograd's domain: the errors e of a 4x4 tile and the 6x6 patch d under it give
///   dL/dg = G^T [ sum over tiles of (A e A^T) * (B^T d B) ] G,
/// the transpose of the forward scheme, with 36 products per tile and pair of channels: as many as the direct scheme
/// needs behind a pool and a quarter of what it needs elsewhere, but with the reuse of a matrix product: 16 outputs x
/// 16 inputs are summed in registers over tiles. A task sums its tiles for its outputs; the last step adds the tasks'
/// sums in order and brings them back to 3x3.
namespace saccade::cpu::SACCADE_ISA {
namespace {

#if defined(SACCADE_ISA_avx512)
constexpr int outputs_at_once = 8, vectors_at_once = 2;  // 16 of 32 registers hold sums
#else
constexpr int outputs_at_once = 4, vectors_at_once = 1;
#endif

SACCADE_INLINE void read_errors(const WinogradSource& s, const Place& p, int channel, V16 (&e)[4][4]) {
  const MapShape& in = s.map;
  if (s.spread) {
    const bool whole = p.row + 4 <= 2 * in.height && p.column + 4 <= 2 * in.width;
#pragma GCC unroll 4
    for (int w = 0; w < 4; ++w) {
      V16 errors[4];
      spread_window(s, p.view, channel, p.row / 2 + w / 2, p.column / 2 + w % 2, whole, errors);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) e[w / 2 * 2 + i / 2][w % 2 * 2 + i % 2] = errors[i];
    }
    return;
  }
  const float* corner = s.data + p.view * s.data_view + in.offset(p.row, p.column) + channel;
  const bool whole = p.row + 4 <= in.height && p.column + 4 <= in.width;
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c)
      e[r][c] = whole || (p.row + r < in.height && p.column + c < in.width)
                    ? load(corner + r * in.row_stride() + c * in.lanes)
                    : zero();
}

/// A e A^T of one tile for 16 channels: 36 vectors, `step` floats apart.
SACCADE_INLINE void write_errors(const WinogradSource& s, const Place& p, int channel, float* to, std::ptrdiff_t step) {
  V16 e[4][4], rows[4][6];
  read_errors(s, p, channel, e);
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) winograd_error(e[r][0], e[r][1], e[r][2], e[r][3], rows[r]);
#pragma GCC unroll 6
  for (int c = 0; c < 6; ++c) {
    V16 column[6];
    winograd_error(rows[0][c], rows[1][c], rows[2][c], rows[3][c], column);
#pragma GCC unroll 6
    for (int r = 0; r < 6; ++r) store(to + (r * 6 + c) * step, column[r]);
  }
}

/// sums[k][i] += over tiles of errors[t][k] * patches[t][i], for some outputs k and 16 * Vectors inputs i.
template <int Vectors>
SACCADE_INLINE void some_outputs(int tiles, const float* errors, const float* patches, std::ptrdiff_t lanes,
                                 float* sums) {
  V16 s[outputs_at_once][Vectors];
#pragma GCC unroll 8
  for (int k = 0; k < outputs_at_once; ++k)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) s[k][v] = load(sums + k * lanes + v * 16);
  for (int t = 0; t < tiles; ++t, errors += 16, patches += lanes) {
    V16 patch[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) patch[v] = load(patches + v * 16);
#pragma GCC unroll 8
    for (int k = 0; k < outputs_at_once; ++k) {
      const V16 error = broadcast(errors[k]);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; ++v) s[k][v] = fma(error, patch[v], s[k][v]);
    }
  }
#pragma GCC unroll 8
  for (int k = 0; k < outputs_at_once; ++k)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) store(sums + k * lanes + v * 16, s[k][v]);
}

/// The same for 16 outputs and all inputs.
void all_sums(int tiles, const float* errors, const float* patches, std::ptrdiff_t lanes, float* sums) {
  for (int k = 0; k < 16; k += outputs_at_once) {
    std::ptrdiff_t lane = 0;
    for (; lane + vectors_at_once * 16 <= lanes; lane += vectors_at_once * 16)
      some_outputs<vectors_at_once>(tiles, errors + k, patches + lane, lanes, sums + k * lanes + lane);
    if (lane < lanes) some_outputs<1>(tiles, errors + k, patches + lane, lanes, sums + k * lanes + lane);
  }
}

}  // namespace

void winograd_gradient(const WinogradGradientTask& t) {
  const std::ptrdiff_t lanes = t.below.map.lanes, sum_step = 16 * lanes, block_sums = 36 * sum_step;
  const std::ptrdiff_t patch_step = winograd_step(winograd_group, t.below.map.lanes);
  const std::ptrdiff_t error_step = winograd_step(winograd_group, 16);
  float* patches = t.scratch;
  float* errors = patches + 36 * patch_step;
  for (std::ptrdiff_t i = 0; i < (t.block_end - t.block_begin) * block_sums; i += 16) store(t.sums + i, zero());
  for (int first = t.begin; first < t.end; first += winograd_group) {
    const int tiles = t.end - first < winograd_group ? t.end - first : winograd_group;
    Place places[winograd_group];
    for (int tile = 0; tile < tiles; ++tile) {
      places[tile] = place_of(t.below, first + tile);
      for (int c = 0; c < lanes; c += 16) write_patch(t.below, places[tile], c, patches + tile * lanes + c, patch_step);
    }
    for (int block = t.block_begin; block < t.block_end; ++block) {
      for (int tile = 0; tile < tiles; ++tile)
        write_errors(t.errors, places[tile], block * 16, errors + tile * 16, error_step);
      float* sums = t.sums + (block - t.block_begin) * block_sums;
      for (int i = 0; i < 36; ++i)
        all_sums(tiles, errors + i * error_step, patches + i * patch_step, lanes, sums + i * sum_step);
    }
  }
}

void winograd_gradient_end(const WinogradGradientEnd& t) {
  const std::ptrdiff_t step = std::ptrdiff_t{16} * t.in_lanes;
  float* gradient = t.gradient + std::ptrdiff_t{t.channel} * 9 * t.in_lanes;
  const float* sums = t.sums + t.channel / 16 * 36 * step + t.channel % 16 * t.in_lanes;
  for (int lane = 0; lane < t.in_lanes; lane += 16) {
    V16 rows[3][6], taps[3][3];
#pragma GCC unroll 6
    for (int c = 0; c < 6; ++c) {
      V16 column[6];
#pragma GCC unroll 6
      for (int r = 0; r < 6; ++r) {
        const float* at = sums + (r * 6 + c) * step + lane;
        column[r] = load(at);
        for (int part = 1; part < t.parts; ++part) column[r] = add(column[r], load(at + part * t.part_size));
      }
      winograd_kernel_gradient(column, rows[0][c], rows[1][c], rows[2][c]);
    }
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) winograd_kernel_gradient(rows[r], taps[r][0], taps[r][1], taps[r][2]);
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) {
      float* at = gradient + tap * t.in_lanes + lane;
      store(at, t.accumulate ? add(load(at), taps[tap / 3][tap % 3]) : taps[tap / 3][tap % 3]);
    }
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
