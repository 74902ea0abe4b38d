#include "engine/cpu/kernels/winograd_patch.h"

/// Weight gradient in Winograd's domain: the errors e of a 4x4 tile and the 6x6 patch d under it give
///   dL/dg = G^T [ sum over tiles of (A e A^T) * (B^T d B) ] G,
/// the transpose of the forward scheme, with 36 products per tile and pair of channels: as many as the direct scheme
/// needs behind a pool and a quarter of what it needs elsewhere, but with the reuse of a matrix product: 16 inputs x 16
/// outputs are summed in registers over tiles.
namespace saccade::cpu::SACCADE_ISA {
namespace {

#if defined(SACCADE_ISA_avx512)
constexpr int inputs_at_once = 16;
#else
constexpr int inputs_at_once = 4;
#endif

SACCADE_INLINE void read_errors(const WinogradSource& s, const Place& p, int channel, V16 (&e)[4][4]) {
  if (s.spread) {
#pragma GCC unroll 4
    for (int w = 0; w < 4; ++w) {
      V16 winner;
      const V16 error = read_window(s, p.view, channel, p.row / 2 + w / 2, p.column / 2 + w % 2, winner);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i)
        e[w / 2 * 2 + i / 2][w % 2 * 2 + i % 2] = if_equal(winner, broadcast(static_cast<float>(i)), error, zero());
    }
    return;
  }
  const MapShape& in = s.map;
  const float* corner = s.data + p.view * s.data_view + in.offset(p.row, p.column) + channel;
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c)
      e[r][c] =
          p.row + r < in.height && p.column + c < in.width ? load(corner + r * in.row_stride() + c * in.lanes) : zero();
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

/// sums[i][k] += over tiles of patches[t][i] * errors[t][k].
SACCADE_INLINE void some_inputs(int tiles, const float* patches, std::ptrdiff_t lanes, const float* errors,
                                float* sums) {
  V16 s[inputs_at_once];
#pragma GCC unroll 16
  for (int i = 0; i < inputs_at_once; ++i) s[i] = load(sums + i * 16);
  for (int t = 0; t < tiles; ++t, patches += lanes, errors += 16) {
    const V16 e = load(errors);
#pragma GCC unroll 16
    for (int i = 0; i < inputs_at_once; ++i) s[i] = fma(broadcast(patches[i]), e, s[i]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < inputs_at_once; ++i) store(sums + i * 16, s[i]);
}

/// gradient += G^T u G, units being the lanes of the sums.
void add_gradient(const WinogradGradientTask& t, const float* sums) {
  float* gradient = t.gradient + std::ptrdiff_t{t.block} * 16 * 9 * t.in_lanes;
  for (int lane = 0; lane < t.in_lanes; ++lane) {
    V16 rows[3][6], taps[3][3];
    for (int c = 0; c < 6; ++c) {
      V16 column[6];
      for (int r = 0; r < 6; ++r) column[r] = load(sums + (std::ptrdiff_t{r * 6 + c} * t.in_lanes + lane) * 16);
      winograd_kernel_gradient(column, rows[0][c], rows[1][c], rows[2][c]);
    }
    for (int r = 0; r < 3; ++r) winograd_kernel_gradient(rows[r], taps[r][0], taps[r][1], taps[r][2]);
    for (int tap = 0; tap < 9; ++tap) {
      float units[16];
      store(units, taps[tap / 3][tap % 3]);
      for (int k = 0; k < 16; ++k) gradient[(std::ptrdiff_t{k} * 9 + tap) * t.in_lanes + lane] += units[k];
    }
  }
}

}  // namespace

void winograd_patches(const WinogradPatchesTask& t) {
  const int lanes = t.source.map.lanes;
  const std::ptrdiff_t step = winograd_step(winograd_group, lanes);
  for (int tile = t.begin; tile < t.end; ++tile) {
    float* to = t.patches + tile / winograd_group * 36 * step + tile % winograd_group * lanes;
    const Place p = place_of(t.source, tile);
    for (int c = 0; c < lanes; c += 16) write_patch(t.source, p, c, to + c, step);
  }
}

void winograd_gradient(const WinogradGradientTask& t) {
  const std::ptrdiff_t error_step = winograd_step(winograd_group, 16);
  const std::ptrdiff_t patch_step = winograd_step(winograd_group, t.in_lanes);
  const std::ptrdiff_t sum_step = std::ptrdiff_t{t.in_lanes} * 16;
  float* errors = t.scratch;
  float* sums = errors + 36 * error_step;
  for (std::ptrdiff_t i = 0; i < 36 * sum_step; i += 16) store(sums + i, zero());
  for (int first = 0; first < t.tiles; first += winograd_group) {
    const int tiles = t.tiles - first < winograd_group ? t.tiles - first : winograd_group;
    for (int tile = 0; tile < tiles; ++tile)
      write_errors(t.errors, place_of(t.errors, first + tile), t.block * 16, errors + tile * 16, error_step);
    const float* patches = t.patches + first / winograd_group * 36 * patch_step;
    for (int i = 0; i < 36; ++i)
      for (int lane = 0; lane < t.in_lanes; lane += inputs_at_once)
        some_inputs(tiles, patches + i * patch_step + lane, t.in_lanes, errors + i * error_step,
                    sums + i * sum_step + lane * 16);
  }
  add_gradient(t, sums);
}

}  // namespace saccade::cpu::SACCADE_ISA
