#pragma once
/// CUDA on the host, for tests: the few names of CUDA that our kernels use, so that a .cu file compiles as plain C++
/// (engine/cuda/portability.h includes this header), and what runs such kernels with one fiber for each CUDA thread.
/// What matters is what it finds, not its speed: every launch can take its threads in ascending, descending or random
/// order, misuse of barriers and warp functions is an error, unwritten memory reads as NaN, AddressSanitizer guards
/// every array and ThreadSanitizer takes each CUDA thread for a thread: it sees a missing barrier even where all values
/// come out right.
///
/// Stricter than CUDA: a block's threads must all reach the same barrier (none may have left the kernel), and a warp
/// function needs all lanes of its warp that have not left. Blocks run one after another: one that waits for another
/// never ends. Reading a lane that takes no part in a shuffle gives ones in all bits, for floats NaN.
///
/// Not seen: threads that come to one barrier, in a function, through different calls of that function; and races of
/// blocks that ThreadSanitizer is not sure to see unless the blocks run one right after the other.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <type_traits>

namespace saccade::emulation {

struct Dim3 {
  unsigned x, y, z;
  constexpr Dim3(unsigned x_extent = 1, unsigned y_extent = 1, unsigned z_extent = 1)
      : x(x_extent), y(y_extent), z(z_extent) {}
};

/// In which order threads (and blocks) go on after a start or barrier. A missing barrier may be right in one of them.
struct Order {
  enum class Kind { ascending, descending, random };
  Kind kind = Kind::ascending;
  std::uint64_t seed = 0;
};

/// For all later launches. Each launch in random order has its own seed, the first one this; errors name it.
void set_order(Order order);

/// What a kernel did wrong: its name, block, thread, the places in the source, and the order that showed it.
struct EmulationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs `thread` once for each thread of the grid. Throws EmulationError, or what a thread threw; either way all
/// threads have ended, and others never started. Launches from several of the host's threads run one after another.
void run(const char* kernel_name, Dim3 grid, Dim3 block, const std::function<void()>& thread);

/// Device memory: one heap allocation each, so that a sanitizer sees its ends; all bits set, so that floats are NaN.
void* allocate(std::size_t bytes);
void release(void* memory);

/// From here on: what the names of CUDA below stand for.

/// Where a kernel calls a function that threads meet in. Its address tells places apart, also instances of a template
/// and several on one line; `id` keeps the compiler from making one of two that are alike.
struct Site {
  const char *function, *file;
  int line, id;
};

/// One shared array of a kernel, told apart as sites are.
struct SharedArray {
  const char *name, *file;
  int line;
};

struct Position {
  Dim3 thread, block, block_extent, grid_extent;
};
extern Position position;

enum class Shuffle { from, up, down, exclusive_or };
inline constexpr unsigned all_lanes = 0xFFFFFFFF;

void block_barrier(const Site& site);
void warp_barrier(const Site& site, unsigned mask = all_lanes);
std::uint64_t shuffle_bits(const Site& site, Shuffle kind, unsigned mask, std::uint64_t bits, unsigned operand,
                           unsigned width);
unsigned ballot(const Site& site, unsigned mask, bool predicate);
/// The block's memory for `array`, which the first of its threads to come here makes.
void* shared_array(const SharedArray& array, std::size_t bytes);

template <class T>
T shuffle(const Site& site, Shuffle kind, unsigned mask, T value, unsigned operand, unsigned width = 32) {
  static_assert(std::is_arithmetic_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = shuffle_bits(site, kind, mask, bits, operand, width);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace saccade::emulation

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

/// Fresh memory in every block, all bits set: nothing of an earlier block can be read. As in CUDA, no initialiser.
#define SACCADE_SHARED_ARRAY(type, name, extents)                                                 \
  using name##_type = type extents;                                                               \
  static_assert(alignof(name##_type) <= alignof(std::max_align_t));                               \
  static constexpr saccade::emulation::SharedArray name##_declaration{#name, __FILE__, __LINE__}; \
  name##_type& name =                                                                             \
      *static_cast<name##_type*>(saccade::emulation::shared_array(name##_declaration, sizeof(name##_type)))

using dim3 = saccade::emulation::Dim3;
inline constexpr const dim3& threadIdx = saccade::emulation::position.thread;
inline constexpr const dim3& blockIdx = saccade::emulation::position.block;
inline constexpr const dim3& blockDim = saccade::emulation::position.block_extent;
inline constexpr const dim3& gridDim = saccade::emulation::position.grid_extent;

#define SACCADE_SITE(function)                                                                         \
  ([]() -> const saccade::emulation::Site& {                                                           \
    static constexpr saccade::emulation::Site saccade_site{function, __FILE__, __LINE__, __COUNTER__}; \
    return saccade_site;                                                                               \
  }())

/// Orders the block's memory accesses before it before those after it; __syncwarp those of its warp.
#define __syncthreads() saccade::emulation::block_barrier(SACCADE_SITE("__syncthreads"))
#define __syncwarp(...) saccade::emulation::warp_barrier(SACCADE_SITE("__syncwarp") __VA_OPT__(, ) __VA_ARGS__)

/// These hand over values and, as in CUDA, order no memory accesses.
#define SACCADE_SHUFFLE(function, kind, ...) \
  saccade::emulation::shuffle(SACCADE_SITE(function), saccade::emulation::Shuffle::kind, __VA_ARGS__)
#define __shfl_sync(...) SACCADE_SHUFFLE("__shfl_sync", from, __VA_ARGS__)
#define __shfl_up_sync(...) SACCADE_SHUFFLE("__shfl_up_sync", up, __VA_ARGS__)
#define __shfl_down_sync(...) SACCADE_SHUFFLE("__shfl_down_sync", down, __VA_ARGS__)
#define __shfl_xor_sync(...) SACCADE_SHUFFLE("__shfl_xor_sync", exclusive_or, __VA_ARGS__)
#define __ballot_sync(mask, predicate) \
  saccade::emulation::ballot(SACCADE_SITE("__ballot_sync"), mask, static_cast<bool>(predicate))
#define __any_sync(mask, predicate) \
  (saccade::emulation::ballot(SACCADE_SITE("__any_sync"), mask, static_cast<bool>(predicate)) != 0)
#define __all_sync(mask, predicate) \
  (saccade::emulation::ballot(SACCADE_SITE("__all_sync"), mask, !static_cast<bool>(predicate)) == 0)

/// 1 + the number of the lowest bit that is set; 0 for 0.
inline int __ffs(int word) { return __builtin_ffs(word); }

/// Whole numbers only: sums of floats would depend on the order.
inline int atomicAdd(int* sum, int value) { return __atomic_fetch_add(sum, value, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned* sum, unsigned value) { return __atomic_fetch_add(sum, value, __ATOMIC_RELAXED); }
inline unsigned long long atomicAdd(unsigned long long* sum, unsigned long long value) {
  return __atomic_fetch_add(sum, value, __ATOMIC_RELAXED);
}
float atomicAdd(float*, float) = delete;
double atomicAdd(double*, double) = delete;

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }

template <class T>
T __ldg(const T* address) {
  return *address;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(std::uint64_t{a} * b >> 32); }
inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
/// CUDA's own may differ by two units in the last place.
inline float rsqrtf(float value) { return 1.0f / std::sqrt(value); }
