/// That the emulation runs right kernels in every order, and reports wrong ones. Faults that only a sanitizer sees are
/// in wrong_kernels.cpp.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kernels.h"

namespace {

using namespace saccade::emulation;
using namespace saccade::emulation::kernels;
using Kind = Order::Kind;

/// An order for one scope.
class InOrder {
 public:
  explicit InOrder(Kind kind, std::uint64_t seed = 0) { set_order({kind, seed}); }
  ~InOrder() { set_order({}); }
  InOrder(const InOrder&) = delete;
  InOrder& operator=(const InOrder&) = delete;
};

template <class Body>
void in_every_order(Body body) {
  for (const Kind kind : {Kind::ascending, Kind::descending, Kind::random}) {
    const InOrder order(kind, 7);
    CAPTURE(static_cast<int>(kind));
    body();
  }
}

/// The message of the EmulationError; empty if there is none.
template <class Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const EmulationError& error) {
    return error.what();
  }
  return {};
}

/// In every order the launch fails, and says all of `parts`; then a right kernel runs.
void check_reported(void (*kernel)(float*), dim3 block, const std::vector<std::string>& parts) {
  in_every_order([&] {
    const Memory<float> out(2048);
    const std::string message = error_of([&] { launch("wrong", kernel, 2, block, out.data()); });
    CAPTURE(message);
    for (const std::string& part : parts) {
      CAPTURE(part);
      CHECK(message.find(part) != std::string::npos);
    }
    CHECK(reversal());
  });
}

std::string here(int line) { return std::string(__FILE__) + ":" + std::to_string(line); }

}  // namespace

TEST_CASE("right kernels give the same values in every order") {
  for (const Right& kernel : right_kernels) {
    CAPTURE(kernel.name);
    in_every_order([&] { CHECK(kernel.values_are_right()); });
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const InOrder order(Kind::random, seed);
      CAPTURE(seed);
      CHECK(kernel.values_are_right());
    }
  }
}

namespace {

struct Turns {
  unsigned *next, *thread, *block;
};

/// The turns that threads take before and after a barrier.
__global__ void take_turns(Turns turns) {
  const unsigned number = blockIdx.x * blockDim.x + threadIdx.x;
  turns.thread[2 * number] = atomicAdd(turns.next, 1u);
  __syncthreads();
  turns.thread[2 * number + 1] = atomicAdd(turns.next, 1u);
  if (threadIdx.x == 0) turns.block[blockIdx.x] = atomicAdd(turns.next + 1, 1u);
}

struct Taken {
  std::vector<unsigned> thread, block;
  bool operator==(const Taken&) const = default;
};

Taken turns_taken(unsigned blocks, unsigned threads) {
  const Memory<unsigned> next(2, 0), thread(2 * blocks * threads), block(blocks);
  launch("take_turns", take_turns, blocks, threads, {next.data(), thread.data(), block.data()});
  return {{thread.begin(), thread.end()}, {block.begin(), block.end()}};
}

}  // namespace

TEST_CASE("threads and blocks take turns as ordered") {
  CHECK(turns_taken(2, 3) == Taken{{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}, {0, 1}});
  {
    const InOrder order(Kind::descending);
    CHECK(turns_taken(2, 3) == Taken{{8, 11, 7, 10, 6, 9, 2, 5, 1, 4, 0, 3}, {1, 0}});
  }
  const InOrder order(Kind::random, 5);
  const Taken first = turns_taken(16, 40), second = turns_taken(16, 40);
  CHECK(first != second);
  CHECK(std::set(first.thread.begin(), first.thread.end()).size() == 2 * 16 * 40);
  CHECK(std::set(first.block.begin(), first.block.end()).size() == 16);
  CHECK(!std::is_sorted(first.block.begin(), first.block.end()));
  const InOrder again(Kind::random, 5);
  CHECK(turns_taken(16, 40) == first);
}

TEST_CASE("a missing barrier gives wrong values in some order") {
  CHECK(right_values_of_shift() == 256);
  {
    const InOrder order(Kind::descending);
    CHECK(right_values_of_shift() == 1);
  }
  const InOrder order(Kind::random, 1);
  const unsigned right = right_values_of_shift();
  CHECK(right > 64);
  CHECK(right < 192);
}

namespace {

/// What is there before anything is written: NaN, also in the second block.
__global__ void read_unwritten(float* out) {
  SACCADE_SHARED_ARRAY(float, values, [64]);
  if (threadIdx.x < 60) out[blockIdx.x * 64 + threadIdx.x] = values[threadIdx.x];
  __syncthreads();
  if (threadIdx.x < 60) values[threadIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x >= 60) out[blockIdx.x * 64 + threadIdx.x] = values[threadIdx.x];
}

}  // namespace

TEST_CASE("memory that nobody wrote reads as NaN") {
  const Memory<float> out(129);
  CHECK(std::isnan(out[128]));
  launch("read_unwritten", read_unwritten, 2, 64, out.data());
  for (std::size_t i = 0; i < 128; ++i) CHECK(std::isnan(out[i]));
}

namespace {

/// Lanes that the block does not have hand over NaN.
__global__ void read_missing_lane(float* out) { out[threadIdx.x] = __shfl_down_sync(0xFFFFFFFF, 1.0f, 4); }

}  // namespace

TEST_CASE("a shuffle from a lane that is not there gives NaN") {
  const Memory<float> out(6);
  launch("read_missing_lane", read_missing_lane, 1, 6, out.data());
  for (unsigned lane = 0; lane < 6; ++lane) CHECK(std::isnan(out[lane]) == (lane >= 2));
}

namespace {

constexpr int diverging_line = __LINE__ + 1;
__global__ void diverge(float*) { threadIdx.x < 16 ? __syncthreads() : __syncthreads(); }

constexpr int late_line = __LINE__ + 3;
__global__ void meet_after_leaving(float*) {
  if (threadIdx.x == 33) return;
  __syncthreads();
}

constexpr int half_line = __LINE__ + 3;
__global__ void meet_half_a_warp(float*) {
  if (threadIdx.x < 16) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

__global__ void leave_half_a_warp(float*) {
  if (threadIdx.x < 16) __syncwarp();
}

__global__ void leave_lanes_out(float* out) { out[threadIdx.x] = __shfl_sync(0x0000FFFF, 1.0f, 0); }

__global__ void split_warp(float* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __shfl_sync(0x0000FFFF, 1.0f, 0);
  } else {
    out[threadIdx.x] = __shfl_sync(0xFFFF0000, 1.0f, 16);
  }
}

__global__ void disagree_on_mask(float* out) {
  out[threadIdx.x] = __any_sync(threadIdx.x == 5 ? 0x7FFFFFFF : 0xFFFFFFFF, true) ? 1 : 0;
}

__global__ void forget_a_lane(float* out) {
  if (threadIdx.x == 31) return;
  out[threadIdx.x] = __all_sync(0x7FFFFFFF, true) ? 1 : 0;
  out[threadIdx.x] = __ballot_sync(0xFFFFFFFF, true) != 0 ? 1 : 0;
}

__global__ void shuffle_among_twelve(float* out) { out[threadIdx.x] = __shfl_sync(0xFFFFFFFF, 1.0f, 0, 12); }

__global__ void share_too_much(float* out) {
  SACCADE_SHARED_ARRAY(float, half, [6][1024]);
  SACCADE_SHARED_ARRAY(float, other_half, [6][1024]);
  SACCADE_SHARED_ARRAY(char, straw, [1]);
  half[0][threadIdx.x] = other_half[0][threadIdx.x] = 0;
  straw[0] = 0;
  out[threadIdx.x] = 0;
}

__global__ void launch_from_kernel(float* out) { launch("nested", leave_half_a_warp, 1, 1, out); }

}  // namespace

TEST_CASE("threads at different barriers, also of one line") {
  check_reported(diverge, 32, {"wrong, block (", "thread (", "__syncthreads at " + here(diverging_line), "is at"});
}

TEST_CASE("a barrier after a thread has left") {
  check_reported(meet_after_leaving, 64,
                 {"__syncthreads at " + here(late_line), "thread (33, 0, 0) has left the kernel"});
  check_reported(meet_after_leaving, {2, 32}, {});
}

TEST_CASE("a warp barrier that not all lanes reach") {
  check_reported(
      meet_half_a_warp, 32,
      {"__syncwarp at " + here(half_line), "not reached by all lanes", "thread (16, 0, 0) is at __syncthreads"});
  check_reported(leave_half_a_warp, 32, {"mask 0xffffffff", "lanes that have not left the kernel are 0x0000ffff"});
}

TEST_CASE("a mask that does not name the lanes that meet") {
  check_reported(leave_lanes_out, 32, {"__shfl_sync at", "mask 0x0000ffff", "this is lane"});
  check_reported(split_warp, 32, {"__shfl_sync at", "is at __shfl_sync at"});
  check_reported(disagree_on_mask, 32, {"__any_sync at", "0xffffffff", "0x7fffffff"});
  check_reported(forget_a_lane, 32, {"__ballot_sync at", "lanes that have not left the kernel are 0x7fffffff"});
  check_reported(shuffle_among_twelve, 32, {"__shfl_sync at", "width 12"});
}

TEST_CASE("more than there can be") {
  check_reported(share_too_much, 256, {"shared array straw at " + std::string(__FILE__), "49168 bytes"});
  const auto error = [](dim3 grid, dim3 block) {
    return error_of([&] { run("large", grid, block, [] { FAIL("ran"); }); });
  };
  CHECK(error(1, 1025).find("large: a block that is too long, grid (1, 1, 1), block (1025, 1, 1)") == 0);
  CHECK(error(1, {33, 32}).find("1056 threads") != std::string::npos);
  CHECK(error(1, {1, 1, 65}).find("a block that is too long") != std::string::npos);
  CHECK(error({1, 65536}, 1).find("a grid that is too long") != std::string::npos);
  CHECK(error({1, 1, 65536}, 1).find("a grid that is too long") != std::string::npos);
  CHECK(error(0x80000000, 1).find("a grid that is too long") != std::string::npos);
  CHECK(error(1, {1, 0}).find("nothing to launch") != std::string::npos);
  CHECK(reversal());
}

TEST_CASE("limits can be reached") {
  unsigned count = 0;
  run("long", {1, 65535}, 1, [&] { atomicAdd(&count, 1u); });
  run("wide", 1, {1, 16, 64}, [&] { atomicAdd(&count, 1u); });
  CHECK(count == 65535 + 1024);
}

TEST_CASE("an exception in a kernel ends all threads and reaches the caller") {
  struct Alive {
    int& count;
    explicit Alive(int& alive) : count(alive) { atomicAdd(&count, 1); }
    ~Alive() { atomicAdd(&count, -1); }
  };
  in_every_order([] {
    int alive = 0, ended = 0;
    const auto kernel = [&] {
      const Alive guard(alive);
      if (blockIdx.x == 1 && threadIdx.x == 70) throw std::out_of_range("from a kernel");
      __syncthreads();
      atomicAdd(&ended, 1);
    };
    CHECK_THROWS_WITH_AS(run("thrower", 2, 100, kernel), "from a kernel", std::out_of_range);
    CHECK(alive == 0);
    CHECK(ended % 100 == 0);
    CHECK(reversal());
  });
}

TEST_CASE("kernels' functions outside of a kernel, and a launch inside of one") {
  CHECK(error_of([] { __syncthreads(); }) == "__syncthreads outside of a kernel");
  CHECK(error_of([] { __syncwarp(); }) == "__syncwarp outside of a kernel");
  check_reported(launch_from_kernel, 1, {"nested: launched by a thread of wrong"});
}

TEST_CASE("launches from several of the host's threads") {
  std::array<bool, 3> right{};
  std::vector<std::thread> threads;
  for (bool& mine : right) {
    threads.emplace_back([&mine] {
      mine = true;
      for (int repeat = 0; repeat < 10; ++repeat) {
        for (const Right& kernel : right_kernels) mine = kernel.values_are_right() && mine;
        const Memory<float> out(64);
        mine = !error_of([&] { launch("wrong", split_warp, 1, 64, out.data()); }).empty() && mine;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const bool mine : right) CHECK(mine);
}

TEST_CASE("an error in random order names the seed that repeats it") {
  const auto message = [] {
    return error_of([] {
      const Memory<float> out(64);
      launch("wrong", split_warp, 1, 64, out.data());
    });
  };
  const InOrder order(Kind::random, 11);
  const std::string first = message();
  CHECK(first.find("random order, seed 11") != std::string::npos);
  turns_taken(3, 50);
  const std::string later = message();
  const std::string seed = later.substr(later.rfind(' ') + 1);
  CHECK(seed != "11");
  const InOrder again(Kind::random, std::stoull(seed));
  CHECK(message() == later);
}

TEST_CASE("functions of CUDA") {
  CHECK(__umulhi(0xFFFFFFFF, 0xFFFFFFFF) == 0xFFFFFFFE);
  CHECK(__umulhi(1u << 31, 6) == 3);
  CHECK(__float_as_uint(-1.5f) == 0xBFC00000);
  CHECK(__uint_as_float(0x3F800001) == 1.00000012f);
  CHECK(rsqrtf(16) == 0.25f);
  CHECK(fmaf(3, 4, 5) == 17);
  const float4 floats = make_float4(1, 2, 3, 4);
  const int4 integers = make_int4(1, 2, 3, 4);
  CHECK(floats.w + floats.z + floats.y + floats.x == 10);
  CHECK(__ldg(&integers).z == 3);
  CHECK(alignof(float4) == 16);
  CHECK(alignof(int4) == 16);
}
