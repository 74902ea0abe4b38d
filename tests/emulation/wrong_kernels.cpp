/// Kernels with a fault that only a sanitizer sees, one a run, so that ctest can see that it is reported. All run in
/// ascending order, in which most of them compute what they should.
///   wrong_kernels NAME     runs one; the sanitizer's message and exit status say what it found
///   wrong_kernels --list   names, each with the sanitizer that must report it
///   wrong_kernels --right  runs kernels without fault in several orders; 0 if their values are right
#include <cstdio>
#include <cstring>

#include "kernels.h"

namespace {

using namespace saccade::emulation;
using namespace saccade::emulation::kernels;

__global__ void lose_updates(int* out) {
  SACCADE_SHARED_ARRAY(int, sum, [1]);
  if (threadIdx.x == 0) sum[0] = 0;
  __syncthreads();
  sum[0] = sum[0] + 1;
  __syncthreads();
  if (threadIdx.x == 0) *out = sum[0];
}

/// Half of the values come from the other warp, which __syncwarp does not wait for.
__global__ void reverse_with_warp_barrier(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  values[threadIdx.x] = map.in[threadIdx.x];
  __syncwarp();
  map.out[threadIdx.x] = values[63 - threadIdx.x];
}

/// In CUDA a shuffle hands over a value; it does not order accesses to memory.
__global__ void reverse_warps_with_shuffle(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  values[threadIdx.x] = map.in[threadIdx.x];
  const float shuffled = __shfl_xor_sync(0xFFFFFFFF, map.in[threadIdx.x], 31);
  map.out[threadIdx.x] = shuffled + values[threadIdx.x ^ 31];
}

__global__ void add_blocks(Map map) { map.out[threadIdx.x] += map.in[threadIdx.x]; }

/// The blocks' sums meet after the last barrier of each.
__global__ void add_reversed_blocks(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  values[threadIdx.x] = map.in[threadIdx.x];
  __syncthreads();
  map.out[threadIdx.x] += values[63 - threadIdx.x];
}

__global__ void write_past_shared_array(Map map) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  SACCADE_SHARED_ARRAY(float, others, [64]);
  others[threadIdx.x] = 0;
  float* const target = values;
  target[threadIdx.x + (threadIdx.x == 63 ? 1 : 0)] = map.in[threadIdx.x];
  __syncthreads();
  map.out[threadIdx.x] = values[threadIdx.x ^ 1] + others[63 - threadIdx.x];
}

__global__ void read_past_memory(Map map) { map.out[threadIdx.x] = map.in[threadIdx.x + 1]; }

struct Stale {
  float** kept;
  float* out;
};

/// Shared memory ends with its block.
__global__ void read_earlier_block(Stale stale) {
  SACCADE_SHARED_ARRAY(float, values, [32]);
  values[threadIdx.x] = 1;
  if (blockIdx.x == 0 && threadIdx.x == 0) *stale.kept = values;
  if (blockIdx.x == 1) stale.out[threadIdx.x] = (*stale.kept)[threadIdx.x];
}

void map_64(void (*kernel)(Map), unsigned blocks) {
  const Memory<float> in(64, 1), out(64, 0);
  launch("map", kernel, blocks, 64, {out.data(), in.data()});
}

struct Wrong {
  const char *name, *sanitizer;
  void (*run)();
};
constexpr Wrong wrong_kernels[] = {
    {"missing_barrier", "thread", [] { right_values_of_shift(); }},
    {"missing_second_barrier", "thread", [] { tiled_sums<false>(); }},
    {"lost_update", "thread", [] { launch("lose_updates", lose_updates, 1, 64, Memory<int>(1).data()); }},
    {"warp_barrier_between_warps", "thread", [] { map_64(reverse_with_warp_barrier, 1); }},
    {"shuffle_for_barrier", "thread", [] { map_64(reverse_warps_with_shuffle, 1); }},
    {"blocks_race", "thread", [] { map_64(add_blocks, 2); }},
    {"blocks_race_after_barriers", "thread", [] { map_64(add_reversed_blocks, 2); }},
    {"shared_overflow", "address", [] { map_64(write_past_shared_array, 1); }},
    {"memory_overflow", "address", [] { map_64(read_past_memory, 1); }},
    {"shared_memory_of_earlier_block", "address",
     [] {
       const Memory<float*> kept(1);
       const Memory<float> out(32);
       launch("read_earlier_block", read_earlier_block, 2, 32, {kept.data(), out.data()});
     }},
};

bool right_kernels_are_right() {
  bool right = true;
  for (const Right& kernel : right_kernels) {
    for (const auto kind : {Order::Kind::ascending, Order::Kind::descending, Order::Kind::random}) {
      set_order({kind, 1});
      if (kernel.values_are_right()) continue;
      std::printf("%s: wrong values\n", kernel.name);
      right = false;
    }
  }
  return right;
}

}  // namespace

int main(int count, char** arguments) {
  const char* const wanted = count == 2 ? arguments[1] : "";
  if (std::strcmp(wanted, "--right") == 0) return right_kernels_are_right() ? 0 : 1;
  const bool list = std::strcmp(wanted, "--list") == 0;
  for (const Wrong& kernel : wrong_kernels) {
    if (list) std::printf("%s %s\n", kernel.name, kernel.sanitizer);
    if (std::strcmp(wanted, kernel.name) != 0) continue;
    kernel.run();
    return 0;
  }
  if (!list) std::fprintf(stderr, "usage: wrong_kernels NAME | --list | --right\n");
  return list ? 0 : 2;
}
