#pragma once
#include "engine/cuda/kernels/activation.cuh"
#include "engine/cuda/kernels/launch_size.h"
#include "engine/cuda/kernels/quads.cuh"
#include "engine/cuda/queue.h"
#include "engine/operations.h"

/// Direct 3x3 convolution by tiles, for activity on its way up and errors on their way down.
///
/// A thread has a patch of Rows x Columns neighbouring positions times Units output lanes, and keeps its sums in
/// registers from beginning to end: every output is one chain of fused multiply-adds, over channels and within a
/// channel over the taps in row-major order. The order does not depend on the tile, nor on how many views or replicas
/// there are, so which tile is taken is a matter of speed alone.
///
/// A block has Patches patches times Groups groups of lanes. Patches are counted through all views of a replica, so
/// small maps fill blocks too. Channels are taken Chunk at a time: each patch of the map read, with its halo of one
/// pixel, and the weights of the block's lanes are staged in shared memory. Per channel a thread then reads its patch
/// once and 9 x Units weights, in 16 bytes at a time, for 9 x Rows x Columns x Units multiply-adds:
///
/// - large: 128 positions x 64 lanes a block (or 256 x 32), 2x4 x 8 a thread: 24 multiply-adds for each 16-byte read
///   of shared memory, 0.05 bytes staged for each multiply-add;
/// - medium: 64 x 32, 2x2 x 4: 11, 0.13;
/// - small: 16 x 16, 2x2 x 1: 3, 0.36.
///
/// A multiprocessor makes 128 multiply-adds and reads 128 bytes of shared memory in a cycle, and a warp's read takes
/// one to four cycles: with the large tile arithmetic is the limit. The small one is for a single view: there a sum's
/// latency (4 cycles x 9 x channels) is the limit, so work is spread over as many multiprocessors as there are.
namespace saccade::SACCADE_CUDA {

/// What a patch is read from, and which way the weights lie.
enum class Source {
  map,            ///< up: a bordered map of whole vectors of lanes, position by position
  strided,        ///< up: such a map at every second position
  image,          ///< up: a bordered image of a few lanes, position by position
  strided_image,  ///< up: an image at every second position
  above,          ///< down: a map
  winners,        ///< down: errors of a pooled map: a window's stands where its winner was, elsewhere are zeros
  spread,         ///< down: a map of half the size, whose pixels stand at the even positions
};
constexpr bool is_up(Source s) { return s < Source::above; }
constexpr bool is_image(Source s) { return s == Source::image || s == Source::strided_image; }
constexpr bool is_strided(Source s) { return s == Source::strided || s == Source::strided_image; }

/// Chunk: channels staged at a time. Blocks: of a multiprocessor, at least. Ahead: a thread loads its share of the next
/// chunk into registers before it computes with this one; where blocks are few nothing else hides that time.
template <int Rows_, int Columns_, int Units_, int Groups_, int Patches_, int Chunk_, int Blocks_, bool Ahead_>
struct Tile {
  static constexpr int Rows = Rows_, Columns = Columns_, Units = Units_, Groups = Groups_, Patches = Patches_;
  static constexpr int Chunk = Chunk_, Blocks = Blocks_;
  static constexpr bool Ahead = Ahead_;
  static constexpr int lanes = Groups * Units;
  static constexpr int threads = Groups * Patches;
};
using LargeTile = Tile<2, 4, 8, 8, 16, 8, 4, false>;
using LargeTileOf32 = Tile<2, 4, 8, 4, 32, 8, 4, false>;
using MediumTile = Tile<2, 2, 4, 8, 16, 8, 4, true>;
using SmallTile = Tile<2, 2, 1, 16, 4, 32, 2, true>;

struct ConvTask {
  Extent extent;
  MapShape from;       ///< map read; border 1, or what Source says of its errors
  ConstFloats source;  ///< of `from`
  ConstBytes source_winners;
  int rows, columns;    ///< positions computed
  ConstFloats weights;  ///< [from.channels][3][3][to.lanes]
  bool sign_only;       ///< use sgn(weights)
  MapShape to;          ///< map written
  Activation activation;
  bool pools;             ///< 2x2 windows of positions to one pixel of `to`
  ConstFloats output_of;  ///< given: sums are multiplied with the derivative of the activation at this output
  ConstFlags active;
  Floats output;
  Bytes winners;
  int patches_down, patches_across;  ///< of one view
  int patch_tiles, lane_tiles;       ///< of one replica
};

/// Layout of a staged chunk, and a thread's share of the work of staging it. Patches, 4 x an odd number of floats
/// apart, meet in different banks; so do the two halves of eight channels, 4 channel strides apart. Two threads take a
/// slot, that is a pixel of a patch (or a gap between patches): 32 bytes of 8 channels.
template <class T, Source source>
struct Stage {
  static constexpr int step = is_strided(source) ? 2 : 1;
  static constexpr int rows = (T::Rows - 1) * step + 3, columns = (T::Columns - 1) * step + 3, pixels = rows * columns;
  static constexpr int quads = (pixels + 3) / 4;
  static constexpr int patch_stride = 4 * (quads | 1);
  static constexpr int slots = T::Patches * patch_stride;
  static constexpr int channel_stride = slots + 4;
  static constexpr int weights_stride = 9 * T::lanes;

  static constexpr int eights = T::Chunk / 8, slots_at_once = T::threads / 2;
  static constexpr int patch_loads = eights * static_cast<int>(divide_up(slots, slots_at_once));
  static constexpr int weight_quads = T::Chunk * weights_stride / 4;
  static constexpr int weight_loads = static_cast<int>(divide_up(weight_quads, T::threads));
  /// Loads under way together: all, or as many as registers beside the large tiles' sums can hold.
  static constexpr int patch_batch = T::Ahead ? patch_loads : 4, weight_batch = T::Ahead ? weight_loads : 3;
};

/// Which positions a patch has; no view where nothing is computed.
struct Place {
  int view, row, column;
};

/// Numbers of patches and windows are ints: 2^31 of them would need 128 GiB for their maps.
template <class T>
__device__ Place place_of(const ConvTask& t, int replica, int tile, int patch) {
  const int index = tile * T::Patches + patch, per_view = t.patches_down * t.patches_across;
  const int view = index / per_view, rest = index % per_view;
  if (view >= t.extent.views || (t.active && *t.active.at(replica, view) == 0)) return {-1, 0, 0};
  return {view, rest / t.patches_across * T::Rows, rest % t.patches_across * T::Columns};
}

/// A pixel of what the patches are read from (or the window that it lies in); no view where it is zero. Short numbers
/// keep the table of a block at 7 KiB; no map has sides of 2^15.
struct Pixel {
  int view;
  short row, column;
};

template <class T, Source source>
__device__ Pixel pixel_of(const ConvTask& t, const Place* places, int slot) {
  using S = Stage<T, source>;
  constexpr Pixel nothing{-1, 0, 0};
  const Place place = places[slot / S::patch_stride];
  const int own = slot % S::patch_stride;
  int row = S::step * place.row - 1 + own / S::columns, column = S::step * place.column - 1 + own % S::columns;
  if (place.view < 0 || own >= S::pixels) return nothing;
  if constexpr (source == Source::winners || source == Source::spread) {
    if (row < 0 || column < 0 || (source == Source::spread && (row % 2 != 0 || column % 2 != 0))) return nothing;
    row /= 2, column /= 2;
    if (row >= t.from.height || column >= t.from.width) return nothing;
  }
  if (row > t.from.height || column > t.from.width) return nothing;
  return {place.view, static_cast<short>(row), static_cast<short>(column)};
}

/// Four channels of a pixel.
template <class T, Source source>
__device__ __forceinline__ float4 fetch(const ConvTask& t, int replica, const Pixel& pixel, int slot, int channel) {
  const MapShape& from = t.from;
  if (pixel.view < 0 || channel >= from.lanes) return make_float4(0, 0, 0, 0);
  const float* at = t.source.at(replica, pixel.view) + from.offset(pixel.row, pixel.column) + channel;
  if constexpr (is_image(source)) {
    const int left = from.lanes - channel;
    return make_float4(at[0], left > 1 ? at[1] : 0, left > 2 ? at[2] : 0, left > 3 ? at[3] : 0);
  }
  const float4 value = load4(at);
  if constexpr (source != Source::winners) return value;
  using S = Stage<T, source>;  // a patch begins at an odd row and column, so its slot says where in its window it lies
  const int own = slot % S::patch_stride;
  const unsigned place = (own / S::columns + 1) % 2 * 2 + (own % S::columns + 1) % 2;
  const std::uint8_t* winner = t.source_winners.at(replica, pixel.view) +
                               (static_cast<std::ptrdiff_t>(pixel.row) * from.width + pixel.column) * from.lanes +
                               channel;
  const unsigned differ = *reinterpret_cast<const unsigned*>(winner) ^ (place * 0x0101'0101u);
  return make_float4((differ & 0xffu) == 0 ? value.x : 0, (differ & 0xff00u) == 0 ? value.y : 0,
                     (differ & 0xff'0000u) == 0 ? value.z : 0, (differ & 0xff00'0000u) == 0 ? value.w : 0);
}

/// Loads number `begin` up to `begin` + Count of a thread's share of the patches of channels from `first` on.
template <class T, Source source, int Count>
__device__ __forceinline__ void load_patches(const ConvTask& t, int replica, const Pixel* pixels, int first, int begin,
                                             float4 (&values)[Count]) {
  using S = Stage<T, source>;
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < Count; ++i) {
    const int slot = (begin + i) / S::eights * S::slots_at_once + thread / 2;
    const int channel = (begin + i) % S::eights * 8 + thread % 2 * 4;
    if (slot < S::slots) values[i] = fetch<T, source>(t, replica, pixels[slot], slot, first + channel);
  }
}

template <class T, Source source, int Count>
__device__ __forceinline__ void store_patches(int begin, const float4 (&values)[Count], float* patches) {
  using S = Stage<T, source>;
  const int thread = static_cast<int>(threadIdx.x);
#pragma unroll
  for (int i = 0; i < Count; ++i) {
    const int slot = (begin + i) / S::eights * S::slots_at_once + thread / 2;
    if (slot >= S::slots) continue;
    float* to = patches + ((begin + i) % S::eights * 8 + thread % 2 * 4) * S::channel_stride + slot;
    to[0] = values[i].x;
    to[S::channel_stride] = values[i].y;
    to[2 * S::channel_stride] = values[i].z;
    to[3 * S::channel_stride] = values[i].w;
  }
}

__device__ inline float sign_of(float x) { return x > 0 ? 1.0f : (x < 0 ? -1.0f : 0.0f); }

/// The same of the block's lanes of `rows` rows of weights, one for each tap of each channel.
template <class T, Source source, int Count>
__device__ __forceinline__ void load_weights(const ConvTask& t, const float* from, int lane, int rows, int begin,
                                             float4 (&values)[Count]) {
  constexpr int quads = T::lanes / 4;
#pragma unroll
  for (int i = 0; i < Count; ++i) {
    const int index = (begin + i) * T::threads + static_cast<int>(threadIdx.x);
    const int row = index / quads, own = index % quads * 4;
    values[i] = make_float4(0, 0, 0, 0);
    if (row < rows && lane + own < t.to.lanes)
      values[i] = load4(from + static_cast<std::ptrdiff_t>(row) * t.to.lanes + lane + own);
  }
  if constexpr (!is_up(source)) {
    if (!t.sign_only) return;
#pragma unroll
    for (float4& w : values) w = make_float4(sign_of(w.x), sign_of(w.y), sign_of(w.z), sign_of(w.w));
  }
}

template <class T, Source source, int Count>
__device__ __forceinline__ void store_weights(int begin, const float4 (&values)[Count], float* weights) {
#pragma unroll
  for (int i = 0; i < Count; ++i) {
    const int index = (begin + i) * T::threads + static_cast<int>(threadIdx.x);
    if (index < Stage<T, source>::weight_quads) store4(weights + index * 4, values[i]);
  }
}

/// Lane of a block's tile that a thread's unit is: quads of all groups lie side by side, so that a warp reads weights
/// and writes outputs in whole lines.
template <class T>
__device__ constexpr int lane_of(int group, int unit) {
  return T::Units < 4 ? group * T::Units + unit : unit / 4 * (T::Groups * 4) + group * 4 + unit % 4;
}

/// One channel, taps in the order of the pixels that they meet: on the way down weights are turned by 180 degrees.
/// 9 x Rows x Columns x Units multiply-adds. Between spread pixels there are zeros, which are left out.
template <class T, Source source>
__device__ __forceinline__ void add_channel(const float* own_patch, const float* own_weights,
                                            float (&sums)[T::Rows][T::Columns][T::Units]) {
  using S = Stage<T, source>;
  float patch[S::quads * 4];
#pragma unroll
  for (int q = 0; q < S::quads; ++q) {
    const float4 four = load4(own_patch + q * 4);
    patch[q * 4] = four.x, patch[q * 4 + 1] = four.y, patch[q * 4 + 2] = four.z, patch[q * 4 + 3] = four.w;
  }
#pragma unroll
  for (int tap = 0; tap < 9; ++tap) {
    const float* tap_weights = own_weights + (is_up(source) ? tap : 8 - tap) * T::lanes;
    float weight[T::Units];
    if constexpr (T::Units % 4 == 0) {
#pragma unroll
      for (int u = 0; u < T::Units; u += 4) {
        const float4 four = load4(tap_weights + lane_of<T>(0, u));
        weight[u] = four.x, weight[u + 1] = four.y, weight[u + 2] = four.z, weight[u + 3] = four.w;
      }
    } else {
#pragma unroll
      for (int u = 0; u < T::Units; ++u) weight[u] = tap_weights[u];
    }
#pragma unroll
    for (int r = 0; r < T::Rows; ++r)
#pragma unroll
      for (int c = 0; c < T::Columns; ++c) {
        const int row = r * S::step + tap / 3, column = c * S::step + tap % 3;  // in the patch, which begins at -1
        if (source == Source::spread && (row % 2 == 0 || column % 2 == 0)) continue;
#pragma unroll
        for (int u = 0; u < T::Units; ++u)
          sums[r][c][u] = fmaf(patch[row * S::columns + column], weight[u], sums[r][c][u]);
      }
  }
}

template <int Count, class Number>
__device__ __forceinline__ void store_units(Number* to, const Number (&values)[Count]) {
  struct alignas(Count * sizeof(Number)) All {
    Number v[Count];
  } all;
#pragma unroll
  for (int i = 0; i < Count; ++i) all.v[i] = values[i];
  *reinterpret_cast<All*>(to) = all;
}

/// Writes up to four of a thread's units at one place of the map.
template <class T, int First, int Count>
__device__ __forceinline__ void finish_units(const ConvTask& t, int replica, const Place& place, int lane,
                                             const float (&sums)[T::Rows][T::Columns][T::Units]) {
  float* output = t.output.at(replica, place.view) + lane;
  if (t.pools) {
#pragma unroll
    for (int c = 0; c < T::Columns; c += 2) {
      const int row = place.row / 2, column = (place.column + c) / 2;
      if (row >= t.to.height || column >= t.to.width) continue;
      float values[Count];
      std::uint8_t winners[Count];
#pragma unroll
      for (int u = 0; u < Count; ++u) {
        float best = sums[0][c][First + u];
        std::uint8_t winner = 0;
#pragma unroll
        for (int i = 1; i < 4; ++i) {  // only a greater one replaces it: the first of equals wins
          const float other = sums[i / 2][c + i % 2][First + u];
          if (other > best) best = other, winner = static_cast<std::uint8_t>(i);
        }
        values[u] = activate(t.activation, best);
        winners[u] = winner;
      }
      store_units(output + t.to.offset(row, column), values);
      if (t.winners)
        store_units(t.winners.at(replica, place.view) +
                        (static_cast<std::ptrdiff_t>(row) * t.to.width + column) * t.to.lanes + lane,
                    winners);
    }
    return;
  }
#pragma unroll
  for (int r = 0; r < T::Rows; ++r)
#pragma unroll
    for (int c = 0; c < T::Columns; ++c) {
      const int row = place.row + r, column = place.column + c;
      if (row >= t.rows || column >= t.columns) continue;
      const std::ptrdiff_t at = t.to.offset(row, column);
      float values[Count];
#pragma unroll
      for (int u = 0; u < Count; ++u) {
        const float sum = sums[r][c][First + u];
        values[u] = t.output_of
                        ? through_derivative(t.activation, t.output_of.at(replica, place.view)[at + lane + u], sum)
                        : activate(t.activation, sum);
      }
      store_units(output + at, values);
    }
}

template <class T, Source source>
__global__ void __launch_bounds__(T::threads, T::Blocks) conv_kernel(ConvTask t) {
  using S = Stage<T, source>;
  SACCADE_SHARED_ARRAY(float4, patch_memory, [T::Chunk * S::channel_stride / 4]);
  SACCADE_SHARED_ARRAY(float4, weight_memory, [S::weight_quads]);
  SACCADE_SHARED_ARRAY(Pixel, pixels, [S::slots]);
  SACCADE_SHARED_ARRAY(Place, places, [T::Patches]);
  float* patches = &patch_memory[0].x;
  float* weights = &weight_memory[0].x;
  const int thread = static_cast<int>(threadIdx.x), group = thread % T::Groups, patch = thread / T::Groups;
  int index = static_cast<int>(blockIdx.x);
  const int tile_lane = index % t.lane_tiles * T::lanes;
  index /= t.lane_tiles;
  const int tile = index % t.patch_tiles, replica = index / t.patch_tiles;

  if (thread < T::Patches) places[thread] = place_of<T>(t, replica, tile, thread);
  __syncthreads();
  int used = 0;
  for (int i = 0; i < T::Patches; ++i) used += places[i].view >= 0;
  if (used == 0) return;  // all threads of the block: its views are inactive
  for (int slot = thread; slot < S::slots; slot += T::threads) pixels[slot] = pixel_of<T, source>(t, places, slot);
  __syncthreads();

  const int channels = t.from.channels;
  const float* all_weights = t.weights.at(replica);
  const auto rows_from = [&](int first) { return 9 * (channels - first < T::Chunk ? channels - first : T::Chunk); };
  const auto weights_from = [&](int first) {
    return all_weights + static_cast<std::ptrdiff_t>(first) * 9 * t.to.lanes;
  };
  float4 next_patches[S::patch_batch], next_weights[S::weight_batch];
  if constexpr (T::Ahead) {
    load_patches<T, source>(t, replica, pixels, 0, 0, next_patches);
    load_weights<T, source>(t, all_weights, tile_lane, rows_from(0), 0, next_weights);
  }
  float sums[T::Rows][T::Columns][T::Units] = {};
  const float* own_patch = patches + patch * S::patch_stride;
  const float* own_weights = weights + lane_of<T>(group, 0);
  for (int first = 0; first < channels; first += T::Chunk) {
    if (first > 0) __syncthreads();
    if constexpr (T::Ahead) {
      store_patches<T, source>(0, next_patches, patches);
      store_weights<T, source>(0, next_weights, weights);
    } else {
#pragma unroll 1
      for (int begin = 0; begin < S::patch_loads; begin += S::patch_batch) {
        load_patches<T, source>(t, replica, pixels, first, begin, next_patches);
        store_patches<T, source>(begin, next_patches, patches);
      }
#pragma unroll 1
      for (int begin = 0; begin < S::weight_loads; begin += S::weight_batch) {
        load_weights<T, source>(t, weights_from(first), tile_lane, rows_from(first), begin, next_weights);
        store_weights<T, source>(begin, next_weights, weights);
      }
    }
    __syncthreads();
    const int next = first + T::Chunk;
    if (T::Ahead && next < channels) {
      load_patches<T, source>(t, replica, pixels, next, 0, next_patches);
      load_weights<T, source>(t, weights_from(next), tile_lane, rows_from(next), 0, next_weights);
    }
    const int count = rows_from(first) / 9;
#pragma unroll 1
    for (int c = 0; c < count; ++c)
      add_channel<T, source>(own_patch + c * S::channel_stride, own_weights + c * S::weights_stride, sums);
  }

  const Place place = places[patch];
  if (place.view < 0) return;
  constexpr int count = T::Units < 4 ? T::Units : 4;
  const int lane = tile_lane + lane_of<T>(group, 0);
  if (lane < t.to.lanes) finish_units<T, 0, count>(t, replica, place, lane, sums);
  if constexpr (T::Units > 4) {
    static_assert(T::Units == 8);
    const int second = tile_lane + lane_of<T>(group, 4);
    if (second < t.to.lanes) finish_units<T, 4, 4>(t, replica, place, second, sums);
  }
}

/// How many blocks fill an H100. Only a scale for choosing a tile: results do not depend on it.
inline constexpr std::size_t multiprocessors = 132;

template <class T>
std::size_t lay_out(ConvTask& t) {
  t.patches_down = (t.rows + T::Rows - 1) / T::Rows;
  t.patches_across = (t.columns + T::Columns - 1) / T::Columns;
  const std::size_t patches = static_cast<std::size_t>(t.extent.views) * t.patches_down * t.patches_across;
  t.patch_tiles = static_cast<int>(divide_up(patches, T::Patches));
  t.lane_tiles = static_cast<int>(divide_up(t.to.lanes, T::lanes));
  return static_cast<std::size_t>(t.patch_tiles) * t.lane_tiles * t.extent.replicas;
}

/// Launches with this tile if that makes at least `enough` blocks.
template <class T, Source source>
bool send(Queue& queue, const char* name, ConvTask t, std::size_t enough) {
  const std::size_t blocks = lay_out<T>(t);
  if (blocks < enough) return false;
  queue.launch(name, conv_kernel<T, source>, {static_cast<unsigned>(blocks)}, {T::threads}, t);
  return true;
}

/// The largest tile that fills the machine.
template <Source source>
void send_conv(Queue& queue, const char* name, const ConvTask& t) {
  if constexpr (!is_strided(source)) {
    const bool narrow = t.to.lanes % LargeTile::lanes != 0 && t.to.lanes < 2 * LargeTile::lanes;
    if (narrow ? send<LargeTileOf32, source>(queue, name, t, 2 * multiprocessors)
               : send<LargeTile, source>(queue, name, t, 2 * multiprocessors))
      return;
  }
  if (!send<MediumTile, source>(queue, name, t, multiprocessors)) send<SmallTile, source>(queue, name, t, 0);
}

}  // namespace saccade::SACCADE_CUDA
