#pragma once
/// Small kernels, written as ours are, that are right in every order and must stay silent under every sanitizer, and
/// those wrong ones that both the tests and the sanitizers' program run.
#include <algorithm>
#include <memory>
#include <numeric>

#include "engine/cuda/portability.h"

namespace saccade::emulation::kernels {

/// Device memory that the host may look at, because it is the host's.
template <class T>
class Memory {
 public:
  explicit Memory(std::size_t count) : data_(static_cast<T*>(allocate(count * sizeof(T))), release), count_(count) {}
  Memory(std::size_t count, T value) : Memory(count) { std::fill_n(begin(), count, value); }

  T* data() const { return data_.get(); }
  T& operator[](std::size_t index) const { return data_[index]; }
  T* begin() const { return data(); }
  T* end() const { return data() + count_; }

  /// 0, 1, 2, ...
  static Memory counting(std::size_t count) {
    Memory memory(count);
    std::iota(memory.begin(), memory.end(), T{0});
    return memory;
  }

 private:
  std::unique_ptr<T[], void (*)(void*)> data_;
  std::size_t count_;
};

template <class Task>
void launch(const char* name, void (*kernel)(Task), dim3 grid, dim3 block, const Task& task) {
  run(name, grid, block, [&] { kernel(task); });
}

struct Map {
  float* out;
  const float* in;
};

template <int threads>
__global__ void __launch_bounds__(threads) reverse_blocks(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [threads]);
  const unsigned t = threadIdx.x, first = blockIdx.x * threads;
  values[t] = map.in[first + t];
  __syncthreads();
  map.out[first + t] = values[threads - 1 - t];
}

inline bool reversal() {
  const auto in = Memory<float>::counting(384);
  const Memory<float> out(384);
  launch("reverse_blocks<64>", reverse_blocks<64>, 6, 64, {out.data(), in.data()});
  bool right = true;
  for (unsigned i = 0; i < 384; ++i) right &= out[i] == static_cast<float>(i / 64 * 64 + 63 - i % 64);
  launch("reverse_blocks<128>", reverse_blocks<128>, 3, 128, {out.data(), in.data()});
  for (unsigned i = 0; i < 384; ++i) right &= out[i] == static_cast<float>(i / 128 * 128 + 127 - i % 128);
  return right;
}

struct Transpose {
  float* out;       // [columns][rows]
  const float* in;  // [rows][columns]
  unsigned rows, columns;
};

__global__ inline void transpose(Transpose task) {
  constexpr unsigned side = 8;
  SACCADE_SHARED_ARRAY(float, tile, [side][side + 1]);
  unsigned row = blockIdx.y * side + threadIdx.y, column = blockIdx.x * side + threadIdx.x;
  if (row < task.rows && column < task.columns) {
    tile[threadIdx.y][threadIdx.x] = __ldg(task.in + row * task.columns + column);
  }
  __syncthreads();
  row = blockIdx.y * side + threadIdx.x;
  column = blockIdx.x * side + threadIdx.y;
  if (row < task.rows && column < task.columns) {
    task.out[column * task.rows + row] = tile[threadIdx.x][threadIdx.y];
  }
}

inline bool tiled_transpose() {
  constexpr unsigned rows = 20, columns = 13;
  const auto in = Memory<float>::counting(rows * columns);
  const Memory<float> out(rows * columns);
  launch("transpose", transpose, {2, 3}, {8, 8}, {out.data(), in.data(), rows, columns});
  bool right = true;
  for (unsigned i = 0; i < rows * columns; ++i) right &= out[i % columns * rows + i / columns] == in[i];
  return right;
}

template <int threads>
__device__ float block_sum(float value) {
  SACCADE_SHARED_ARRAY(float, sums, [threads / 32]);
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(0xFFFFFFFF, value, step);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0;
  for (int warp = 0; warp < threads / 32; ++warp) sum += sums[warp];
  __syncthreads();
  return sum;
}

__global__ inline void sum_blocks(Map map) {
  const float value = map.in[blockIdx.x * blockDim.x + threadIdx.x];
  const float sum = block_sum<96>(value), squares = block_sum<96>(value * value);
  if (threadIdx.x == 0) map.out[2 * blockIdx.x] = sum;
  if (threadIdx.x == 0) map.out[2 * blockIdx.x + 1] = squares;
}

inline bool warp_sums() {
  const auto in = Memory<float>::counting(192);
  const Memory<float> out(4);
  launch("sum_blocks", sum_blocks, 2, 96, {out.data(), in.data()});
  bool right = true;
  for (unsigned block = 0; block < 2; ++block) {
    float sum = 0, squares = 0;
    for (unsigned i = block * 96; i < block * 96 + 96; ++i) sum += in[i], squares += in[i] * in[i];
    right &= out[2 * block] == sum && out[2 * block + 1] == squares;
  }
  return right;
}

struct Counts {
  int* fallen;
  unsigned* risen;
  unsigned long long* sum;
};

__global__ inline void count(Counts counts) {
  SACCADE_SHARED_ARRAY(int, in_block, [1]);
  if (threadIdx.x == 0) in_block[0] = 0;
  __syncthreads();
  atomicAdd(&in_block[0], -1);
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(counts.fallen, in_block[0]);
  atomicAdd(counts.risen, 2u);
  atomicAdd(counts.sum, 1ull << 33);
}

inline bool atomic_counts() {
  const Memory<int> fallen(1, 0);
  const Memory<unsigned> risen(1, 0);
  const Memory<unsigned long long> sum(1, 0);
  launch("count", count, 5, 70, {fallen.data(), risen.data(), sum.data()});
  return fallen[0] == -350 && risen[0] == 700 && sum[0] == 350ull << 33;
}

__global__ inline void reverse_warps(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  const unsigned t = threadIdx.x;
  for (int round = 0; round < 3; ++round) {
    values[t] = map.in[t] + static_cast<float>(round);
    __syncwarp();
    map.out[t] = values[t ^ 31];
    __syncwarp();
  }
}

inline bool in_warp_exchange() {
  const auto in = Memory<float>::counting(64);
  const Memory<float> out(64);
  launch("reverse_warps", reverse_warps, 1, 64, {out.data(), in.data()});
  bool right = true;
  for (unsigned i = 0; i < 64; ++i) right &= out[i] == static_cast<float>((i ^ 31) + 2);
  return right;
}

__global__ inline void number_threads(unsigned* out) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned number = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
  out[number] = number;
}

inline bool three_dimensions() {
  const Memory<unsigned> out(12 * 60);
  launch("number_threads", number_threads, {2, 3, 2}, {4, 3, 5}, out.data());
  bool right = true;
  for (unsigned i = 0; i < 12 * 60; ++i) right &= out[i] == i;
  return right;
}

/// Right with both barriers. Without the second, a thread may overwrite a tile that others still read.
template <bool second_barrier>
__global__ void sum_tiles(Map map) {
  SACCADE_SHARED_ARRAY(float, tile, [64]);
  float sum = 0;
  for (unsigned first = 0; first < 256; first += 64) {
    tile[threadIdx.x] = map.in[first + threadIdx.x];
    __syncthreads();
    for (unsigned i = 0; i < 64; ++i) sum += tile[(threadIdx.x + i) % 64];
    if constexpr (second_barrier) __syncthreads();
  }
  map.out[threadIdx.x] = sum;
}

template <bool second_barrier>
bool tiled_sums() {
  const auto in = Memory<float>::counting(256);
  const Memory<float> out(64);
  launch("sum_tiles", sum_tiles<second_barrier>, 1, 64, {out.data(), in.data()});
  return std::all_of(out.begin(), out.end(), [](float sum) { return sum == 255 * 128; });
}

struct Votes {
  unsigned *odd, *before;
  int* from_eight;
};

/// Also in a warp that the block does not fill, and with lanes that leave before the others meet.
__global__ inline void vote(Votes votes) {
  const unsigned t = threadIdx.x, lane = t % 32;
  const unsigned odd = __ballot_sync(0xFFFFFFFF, t % 2);
  const bool any = __any_sync(0xFFFFFFFF, t == 37), all = __all_sync(0xFFFFFFFF, t < 32);
  votes.odd[t] = odd + (any ? 1u : 0u) + (all ? 4u : 0u);
  unsigned before = 1;
  for (unsigned step = 1; step < 32; step *= 2) {
    const unsigned other = __shfl_up_sync(0xFFFFFFFF, before, step);
    if (lane >= step) before += other;
  }
  votes.before[t] = before;
  votes.from_eight[t] = __shfl_sync(0xFFFFFFFF, static_cast<int>(t), 1, 4) + __shfl_xor_sync(0xFFFFFFFF, 100, 3);
  if (lane >= 6) return;
  votes.from_eight[t] += __shfl_sync(0x3F, 1000, 5);
}

inline bool warp_votes() {
  const Memory<unsigned> odd(40), before(40);
  const Memory<int> from_eight(40);
  launch("vote", vote, 1, 40, {odd.data(), before.data(), from_eight.data()});
  bool right = true;
  for (unsigned i = 0; i < 40; ++i) {
    right &= odd[i] == (i < 32 ? 0xAAAAAAAA + 4 : 0xAA + 1) && before[i] == i % 32 + 1;
    right &= from_eight[i] == static_cast<int>(i / 4 * 4 + 1 + 100 + (i % 32 < 6 ? 1000 : 0));
  }
  return right;
}

struct Right {
  const char* name;
  bool (*values_are_right)();
};
inline constexpr Right right_kernels[] = {{"reversal", reversal},
                                          {"tiled_transpose", tiled_transpose},
                                          {"warp_sums", warp_sums},
                                          {"atomic_counts", atomic_counts},
                                          {"in_warp_exchange", in_warp_exchange},
                                          {"three_dimensions", three_dimensions},
                                          {"tiled_sums", tiled_sums<true>},
                                          {"warp_votes", warp_votes}};

/// Lacks a barrier, and gives right values where each thread runs after the one before it.
__global__ inline void shift(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [256]);
  const unsigned t = threadIdx.x;
  values[t] = map.in[t];
  map.out[t] = t == 0 ? 0 : values[t - 1];
}

/// How many of its 256 values are right; NaN is not.
inline unsigned right_values_of_shift() {
  const auto in = Memory<float>::counting(256);
  const Memory<float> out(256);
  launch("shift", shift, 1, 256, {out.data(), in.data()});
  unsigned right = 0;
  for (unsigned t = 0; t < 256; ++t) right += out[t] == static_cast<float>(t == 0 ? 0 : t - 1);
  return right;
}

}  // namespace saccade::emulation::kernels
