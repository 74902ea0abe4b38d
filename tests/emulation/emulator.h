#pragma once
#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda_emulation.h"
#include "fiber.h"
#include "thread_sanitizer.h"

/// What the emulation knows of a launch while it runs: internal to its two sources, cuda_emulation.cpp (launches,
/// blocks, whose turn it is) and synchronisation.cpp (what a kernel's threads call).
namespace saccade::emulation {

constexpr unsigned warp_lanes = 32, most_threads = 1024, most_block_z = 64, most_grid_yz = 65535;
constexpr unsigned most_grid_x = 0x7FFFFFFF;
constexpr std::size_t most_shared_bytes = 48 << 10;

/// Ends a thread of a launch that has failed.
struct Unwind {};

struct Thread {
  Dim3 index;
  /// Where it waits; none before its start, while it runs, and after its end.
  Fiber* fiber;
  const Site* site;
  bool left;
  /// Barriers passed, modulo 2: which of two tags or values is the current one. A thread can be a barrier ahead of
  /// another, and with a single tag what it does there would seem to come before what the other one does now.
  bool block_phase, warp_phase;
};

struct Warp {
  /// One bit for each lane: those that the block has, that have left, that wait at `site`, that met at the last one.
  unsigned existing, left, arrived, met;
  unsigned mask;
  const Site* site;
  unsigned first;
  std::uint64_t values[2][warp_lanes];
};

struct Array {
  const SharedArray* declaration;
  void* memory;
};

/// ThreadSanitizer's names for barriers. New in each block, or what one block does would seem to come before the next.
struct Tags {
  std::uint64_t block[2], warp[most_threads / warp_lanes][2];
};

inline std::string text(const Dim3& place) {
  return std::string("(") + std::to_string(place.x) + ", " + std::to_string(place.y) + ", " + std::to_string(place.z) +
         ")";
}

inline std::string text(const Site& site) {
  return std::string(site.function) + " at " + site.file + ":" + std::to_string(site.line);
}

inline std::string hexadecimal(unsigned mask) {
  std::string digits = "0x00000000";
  for (int digit = 0; digit < 8; ++digit) digits[9 - digit] = "0123456789abcdef"[mask >> 4 * digit & 15];
  return digits;
}

inline Dim3 position_in(std::uint64_t number, const Dim3& extent) {
  return {static_cast<unsigned>(number % extent.x), static_cast<unsigned>(number / extent.x % extent.y),
          static_cast<unsigned>(number / extent.x / extent.y)};
}

class Emulator {
 public:
  void set_order(Order order);
  SACCADE_UNINSTRUMENTED void run(const char* kernel_name, Dim3 grid, Dim3 block, const std::function<void()>& thread);

  SACCADE_UNINSTRUMENTED void block_barrier(const Site& site);
  /// Leaves `value` to the other lanes, and returns the warp with the values of all.
  SACCADE_UNINSTRUMENTED const std::uint64_t* meet_warp(const Site& site, unsigned mask, std::uint64_t value);
  SACCADE_UNINSTRUMENTED void warp_barrier(const Site& site, unsigned mask);
  SACCADE_UNINSTRUMENTED std::uint64_t shuffle(const Site& site, Shuffle kind, unsigned mask, std::uint64_t value,
                                               unsigned operand, unsigned width);
  SACCADE_UNINSTRUMENTED unsigned ballot(const Site& site, unsigned mask, bool predicate);
  SACCADE_UNINSTRUMENTED void* shared_array(const SharedArray& array, std::size_t bytes);

 private:
  // On a CUDA thread's fiber of ThreadSanitizer, or between two of them.
  SACCADE_UNINSTRUMENTED static void serve();
  SACCADE_UNINSTRUMENTED void run_thread();
  SACCADE_UNINSTRUMENTED void go_on();
  SACCADE_UNINSTRUMENTED void wait(Thread& thread);
  SACCADE_UNINSTRUMENTED void throw_if_failed();
  SACCADE_UNINSTRUMENTED Thread& running_thread(const char* function);
  thread_sanitizer::Fiber sanitizer_fiber() const {
    return thread_sanitizer::present ? sanitizer_fibers_[block_ordinal_ & 1][current_] : nullptr;
  }

  // On the host's.
  void check_geometry() const;
  SACCADE_UNINSTRUMENTED void start_block();  // it writes `position`, which is no memory of the kernel's
  SACCADE_UNINSTRUMENTED void free_block();
  bool next_phase();
  void put_in_order();
  void arrive_at_block(Thread& thread, const Site& site);
  void arrive_at_warp(Thread& thread, const Site& site, unsigned mask);
  void release_warp(unsigned number);
  void report_stuck();
  void* find_array(const SharedArray& array, std::size_t bytes);
  void fail(std::exception_ptr error);
  void report(unsigned thread, const std::string& found);
  std::string whereabouts(unsigned thread) const;
  std::string order_text() const;
  std::uint64_t random();
  unsigned random_below(std::size_t bound) { return static_cast<unsigned>((random() >> 32) * bound >> 32); }

  std::mutex launches_;
  Order order_;

  // The launch.
  const char* kernel_name_ = nullptr;
  const std::function<void()>* kernel_ = nullptr;
  std::uint64_t launch_seed_ = 0, block_count_ = 0, block_ordinal_ = 0;
  std::vector<std::uint64_t> block_order_;
  bool failed_ = false;
  std::exception_ptr failure_;

  // The block.
  unsigned thread_count_ = 0, current_ = 0, left_ = 0, at_block_ = 0, first_at_block_ = 0;
  std::size_t shared_bytes_ = 0;
  std::array<Thread, most_threads> threads_;
  std::array<Warp, most_threads / warp_lanes> warps_;
  std::vector<Array> arrays_;
  /// The threads of this phase, and how many of them have had their turn.
  std::array<unsigned, most_threads> ready_;
  unsigned ready_count_ = 0, turn_ = 0;

  // Fibers live on from launch to launch; those in idle_ wait in serve() for a thread to start.
  Fiber host_;
  Fiber* here_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;

  // Two fibers of ThreadSanitizer for each thread, used by turns: two blocks that follow one another share none, so
  // that races between them are seen. `undertaker` frees what blocks leave, for it must know that they have ended, and
  // what the host knows all later blocks would know.
  std::vector<thread_sanitizer::Fiber> sanitizer_fibers_[2];
  thread_sanitizer::Fiber sanitizer_host_ = nullptr, undertaker_ = nullptr;
  char launch_tag_ = 0, end_tag_ = 0;
  Tags* tags_ = nullptr;
};

extern Emulator emulator;

/// This thread of the host is in run().
extern thread_local bool launching;

}  // namespace saccade::emulation
