#include "cuda_emulation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fiber.h"
#include "thread_sanitizer.h"

/// Runs kernels block by block, and a block in phases: in the order wanted, each thread runs up to a barrier or its
/// end; then those whose barrier is complete are the next phase. There is no scheduler to switch to: who waits or ends
/// finds the next thread itself and switches to its fiber, and a fiber whose thread has ended starts the next one in
/// place, so that a kernel without barriers runs on one stack without a single switch.
///
/// ThreadSanitizer sees each CUDA thread as a thread, and all that the emulation does in between as one more, the
/// host's.
namespace saccade::emulation {

Position position;

namespace {

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

std::string text(const Dim3& position) {
  return std::string("(") + std::to_string(position.x) + ", " + std::to_string(position.y) + ", " +
         std::to_string(position.z) + ")";
}

std::string text(const Site& site) {
  return std::string(site.function) + " at " + site.file + ":" + std::to_string(site.line);
}

std::string hexadecimal(unsigned mask) {
  std::string digits = "0x00000000";
  for (int digit = 0; digit < 8; ++digit) digits[9 - digit] = "0123456789abcdef"[mask >> 4 * digit & 15];
  return digits;
}

Dim3 position_in(std::uint64_t number, const Dim3& extent) {
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
  void start_block();
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

Emulator emulator;

/// This thread of the host is in run().
thread_local bool launching = false;

void Emulator::set_order(Order order) {
  const std::lock_guard lock(launches_);
  order_ = order;
}

/// SplitMix64 (Steele, Lea and Flood 2014): its whole state is one number, so an error can name where a launch began.
std::uint64_t Emulator::random() {
  std::uint64_t bits = order_.seed += 0x9E3779B97F4A7C15;
  bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
  return bits ^ bits >> 31;
}

void Emulator::run(const char* kernel_name, Dim3 grid, Dim3 block, const std::function<void()>& thread) {
  if (launching) throw EmulationError(std::string(kernel_name) + ": launched by a thread of " + kernel_name_);
  const std::lock_guard lock(launches_);
  kernel_name_ = kernel_name;
  kernel_ = &thread;
  position = {{0, 0, 0}, {0, 0, 0}, block, grid};
  check_geometry();
  thread_count_ = block.x * block.y * block.z;
  block_count_ = std::uint64_t{grid.x} * grid.y * grid.z;
  launch_seed_ = order_.seed;
  block_order_.clear();
  if (order_.kind == Order::Kind::random) {
    block_order_.resize(block_count_);
    std::iota(block_order_.begin(), block_order_.end(), 0);
    for (std::size_t i = block_count_; i > 1; --i) std::swap(block_order_[i - 1], block_order_[random_below(i)]);
  }
  for (unsigned i = 0; i < thread_count_; ++i) threads_[i].index = position_in(i, block);
  if (thread_sanitizer::present) {
    sanitizer_host_ = thread_sanitizer::current();
    if (undertaker_ == nullptr) undertaker_ = thread_sanitizer::create("the emulation");
    for (auto& fibers : sanitizer_fibers_) {
      while (fibers.size() < thread_count_) {
        fibers.push_back(thread_sanitizer::create(("CUDA thread " + std::to_string(fibers.size())).c_str()));
      }
    }
  }
  launching = true;
  failed_ = false;
  block_ordinal_ = 0;
  here_ = &host_;
  start_block();
  go_on();
  thread_sanitizer::acquire(&end_tag_);
  launching = false;
  if (failed_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Emulator::check_geometry() const {
  const auto refuse = [&](const std::string& found) {
    throw EmulationError(std::string(kernel_name_) + ": " + found + ", grid " + text(position.grid_extent) +
                         ", block " + text(position.block_extent));
  };
  const auto& [x, y, z] = position.block_extent;
  const Dim3& grid = position.grid_extent;
  if (x == 0 || y == 0 || z == 0 || grid.x == 0 || grid.y == 0 || grid.z == 0) refuse("nothing to launch");
  if (x > most_threads || y > most_threads || z > most_block_z) refuse("a block that is too long");
  if (x * y * z > most_threads) refuse("a block of " + std::to_string(x * y * z) + " threads, at most 1024 can be");
  if (grid.x > most_grid_x || grid.y > most_grid_yz || grid.z > most_grid_yz) refuse("a grid that is too long");
}

void Emulator::start_block() {
  std::uint64_t number = block_ordinal_;
  if (order_.kind == Order::Kind::descending) number = block_count_ - 1 - number;
  if (order_.kind == Order::Kind::random) number = block_order_[number];
  position.block = position_in(number, position.grid_extent);
  for (unsigned i = 0; i < thread_count_; ++i) {
    Thread& thread = threads_[i];
    thread.fiber = nullptr;
    thread.site = nullptr;
    thread.left = thread.block_phase = thread.warp_phase = false;
    ready_[i] = i;
  }
  for (unsigned i = 0; i < thread_count_; i += warp_lanes) {
    Warp& warp = warps_[i / warp_lanes];
    const unsigned lanes = std::min(warp_lanes, thread_count_ - i);
    warp.existing = all_lanes >> (warp_lanes - lanes);
    warp.left = warp.arrived = 0;
  }
  left_ = at_block_ = 0;
  shared_bytes_ = 0;
  ready_count_ = thread_count_;
  put_in_order();
  if (thread_sanitizer::present) tags_ = static_cast<Tags*>(std::calloc(1, sizeof(Tags)));
  thread_sanitizer::release(&launch_tag_);
}

void Emulator::free_block() {
  const Array *const begin = arrays_.data(), *const end = begin + arrays_.size();
  thread_sanitizer::enter(undertaker_);
  thread_sanitizer::acquire(&end_tag_);
  for (const Array* array = begin; array != end; ++array) std::free(array->memory);
  std::free(tags_);
  thread_sanitizer::enter(sanitizer_host_);
  arrays_.clear();
  tags_ = nullptr;
}

void Emulator::put_in_order() {
  turn_ = 0;
  const auto begin = ready_.begin(), end = begin + ready_count_;
  if (order_.kind == Order::Kind::descending) std::reverse(begin, end);
  if (order_.kind == Order::Kind::random) {
    for (unsigned i = ready_count_; i > 1; --i) std::swap(ready_[i - 1], ready_[random_below(i)]);
  }
}

/// Fills ready_ when all threads have had their turn. False: the launch is over.
bool Emulator::next_phase() {
  ready_count_ = turn_ = 0;
  if (left_ == thread_count_) {
    free_block();
    if (failed_ || ++block_ordinal_ == block_count_) return false;
    start_block();
    return true;
  }
  if (at_block_ == thread_count_) {
    at_block_ = 0;
    ready_count_ = thread_count_;
    for (unsigned i = 0; i < thread_count_; ++i) ready_[i] = i;
  } else {
    for (unsigned i = 0; i * warp_lanes < thread_count_ && !failed_; ++i) release_warp(i);
  }
  if (failed_) return true;
  if (ready_count_ == 0) {
    report_stuck();
    return true;
  }
  put_in_order();
  return true;
}

void Emulator::release_warp(unsigned number) {
  Warp& warp = warps_[number];
  if (warp.arrived == 0 || warp.arrived != (warp.existing & ~warp.left)) return;
  if ((warp.mask & warp.existing) != warp.arrived) {
    return report(warp.first, text(*warp.site) + " with mask " + hexadecimal(warp.mask) +
                                  ", but the lanes that have not left the kernel are " + hexadecimal(warp.arrived));
  }
  warp.met = std::exchange(warp.arrived, 0);
  for (unsigned lanes = warp.met; lanes != 0; lanes &= lanes - 1) {
    ready_[ready_count_++] = number * warp_lanes + static_cast<unsigned>(std::countr_zero(lanes));
  }
}

/// Finds the next thread and switches to its fiber. Comes back when the fiber that called this is next again: to go on
/// with the thread that waited on it, or, from serve(), with one to start.
void Emulator::go_on() {
  Fiber* next = nullptr;
  while (turn_ == ready_count_ && next == nullptr) {
    if (!next_phase()) next = &host_;
  }
  if (next == nullptr) {
    current_ = ready_[turn_++];
    const Thread& thread = threads_[current_];
    position.thread = thread.index;
    next = thread.fiber;
    if (next == nullptr) {
      if (idle_.empty()) {
        fibers_.push_back(std::make_unique<Fiber>(serve, fibers_.size()));
        idle_.push_back(fibers_.back().get());
      }
      next = idle_.back();
      idle_.pop_back();
    }
  }
  if (next != here_) Fiber::switch_over(*std::exchange(here_, next), *next);
}

void Emulator::serve() {
  for (;;) {
    emulator.run_thread();
    emulator.idle_.push_back(emulator.here_);
    emulator.go_on();
  }
}

void Emulator::run_thread() {
  Thread& thread = threads_[current_];
  thread_sanitizer::enter(sanitizer_fiber());
  thread_sanitizer::acquire(&launch_tag_);
  try {
    here_->call_on_fresh_memory(*kernel_);
  } catch (const Unwind&) {
  } catch (...) {
    thread_sanitizer::enter(sanitizer_host_);
    fail(std::current_exception());
    thread_sanitizer::enter(sanitizer_fiber());
  }
  thread_sanitizer::release(&end_tag_);
  thread_sanitizer::enter(sanitizer_host_);
  thread.left = true;
  warps_[current_ / warp_lanes].left |= 1u << current_ % warp_lanes;
  ++left_;
}

/// Keeps the first error. Threads that have not started never will; those that wait have a last turn, in which they
/// throw.
void Emulator::fail(std::exception_ptr error) {
  if (failed_) return;
  failed_ = true;
  failure_ = std::move(error);
  for (unsigned i = turn_; i < ready_count_; ++i) {
    if (threads_[ready_[i]].fiber != nullptr) continue;
    threads_[ready_[i]].left = true;
    ++left_;
  }
  ready_count_ = turn_ = 0;
  for (unsigned i = 0; i < thread_count_; ++i) {
    if (threads_[i].fiber != nullptr) ready_[ready_count_++] = i;
  }
}

void Emulator::report(unsigned thread, const std::string& found) {
  fail(std::make_exception_ptr(EmulationError(std::string(kernel_name_) + ", block " + text(position.block) +
                                              ", thread " + text(threads_[thread].index) + ": " + found + "; " +
                                              order_text())));
}

std::string Emulator::whereabouts(unsigned thread) const {
  const std::string name = "thread " + text(threads_[thread].index);
  if (threads_[thread].left) return name + " has left the kernel";
  return name +
         (threads_[thread].site == nullptr ? " has met no barrier yet" : " is at " + text(*threads_[thread].site));
}

std::string Emulator::order_text() const {
  if (order_.kind == Order::Kind::ascending) return "ascending order";
  if (order_.kind == Order::Kind::descending) return "descending order";
  return "random order, seed " + std::to_string(launch_seed_);
}

Thread& Emulator::running_thread(const char* function) {
  if (!launching) throw EmulationError(std::string(function) + " outside of a kernel");
  throw_if_failed();
  return threads_[current_];
}

void Emulator::throw_if_failed() {
  if (failed_) throw Unwind{};
}

void Emulator::wait(Thread& thread) {
  if (!failed_) {
    thread.fiber = here_;
    go_on();
    thread.fiber = nullptr;
  }
  thread_sanitizer::enter(sanitizer_fiber());
  throw_if_failed();
}

void Emulator::block_barrier(const Site& site) {
  Thread& thread = running_thread(site.function);
  std::uint64_t* const tag = tags_ == nullptr ? nullptr : &tags_->block[thread.block_phase];
  thread.block_phase = !thread.block_phase;
  thread_sanitizer::release(tag);
  thread_sanitizer::enter(sanitizer_host_);
  arrive_at_block(thread, site);
  wait(thread);
  thread_sanitizer::acquire(tag);
}

void Emulator::arrive_at_block(Thread& thread, const Site& site) {
  thread.site = &site;
  if (at_block_++ == 0) first_at_block_ = current_;
  if (threads_[first_at_block_].site != &site) report(current_, text(site) + ", but " + whereabouts(first_at_block_));
}

const std::uint64_t* Emulator::meet_warp(const Site& site, unsigned mask, std::uint64_t value) {
  Thread& thread = running_thread(site.function);
  Warp& warp = warps_[current_ / warp_lanes];
  std::uint64_t* const values = warp.values[thread.warp_phase];
  thread.warp_phase = !thread.warp_phase;
  values[current_ % warp_lanes] = value;
  thread_sanitizer::enter(sanitizer_host_);
  arrive_at_warp(thread, site, mask);
  wait(thread);
  return values;
}

void Emulator::arrive_at_warp(Thread& thread, const Site& site, unsigned mask) {
  thread.site = &site;
  Warp& warp = warps_[current_ / warp_lanes];
  const unsigned lane = current_ % warp_lanes;
  if (warp.arrived == 0) {
    warp.site = &site;
    warp.mask = mask;
    warp.first = current_;
  }
  warp.arrived |= 1u << lane;
  const auto refuse = [&](const std::string& why) {
    report(current_, text(site) + " with mask " + hexadecimal(mask) + ", but " + why);
  };
  if (&site != warp.site) {
    refuse(whereabouts(warp.first));
  } else if (mask != warp.mask) {
    refuse(std::string("thread ") + text(threads_[warp.first].index) + " gave " + hexadecimal(warp.mask));
  } else if ((mask >> lane & 1) == 0) {
    refuse("this is lane " + std::to_string(lane));
  }
}

/// All threads wait or have left, and nobody can go on.
void Emulator::report_stuck() {
  for (unsigned i = 0; i * warp_lanes < thread_count_; ++i) {
    const Warp& warp = warps_[i];
    if (warp.arrived == 0) continue;
    const unsigned missing = static_cast<unsigned>(std::countr_zero(warp.existing & ~warp.left & ~warp.arrived));
    return report(warp.first,
                  text(*warp.site) + " is not reached by all lanes: " + whereabouts(i * warp_lanes + missing));
  }
  const auto gone = std::find_if(threads_.begin(), threads_.end(), [](const Thread& thread) { return thread.left; });
  report(first_at_block_, text(*threads_[first_at_block_].site) + ", but " +
                              whereabouts(static_cast<unsigned>(gone - threads_.begin())));
}

void Emulator::warp_barrier(const Site& site, unsigned mask) {
  const Thread& thread = running_thread(site.function);
  std::uint64_t* const tag = tags_ == nullptr ? nullptr : &tags_->warp[current_ / warp_lanes][thread.warp_phase];
  thread_sanitizer::release(tag);
  meet_warp(site, mask, 0);
  thread_sanitizer::acquire(tag);
}

std::uint64_t Emulator::shuffle(const Site& site, Shuffle kind, unsigned mask, std::uint64_t value, unsigned operand,
                                unsigned width) {
  if (!std::has_single_bit(width) || width > warp_lanes) {
    running_thread(site.function);
    thread_sanitizer::enter(sanitizer_host_);
    report(current_, text(site) + " with width " + std::to_string(width));
    thread_sanitizer::enter(sanitizer_fiber());
  }
  const std::uint64_t* const values = meet_warp(site, mask, value);
  const unsigned lane = current_ % warp_lanes, first = lane & ~(width - 1), end = first + width;
  unsigned source = lane;
  switch (kind) {
    case Shuffle::from:
      source = first + (operand & (width - 1));
      break;
    case Shuffle::up:
      source = operand > lane - first ? lane : lane - operand;
      break;
    case Shuffle::down:
      source = operand >= end - lane ? lane : lane + operand;
      break;
    case Shuffle::exclusive_or:
      source = (lane ^ operand) >= end ? lane : lane ^ operand;
      break;
  }
  const bool met = (warps_[current_ / warp_lanes].met >> source & 1) != 0;
  return met ? values[source] : ~std::uint64_t{0};
}

unsigned Emulator::ballot(const Site& site, unsigned mask, bool predicate) {
  const std::uint64_t* const values = meet_warp(site, mask, predicate ? 1 : 0);
  unsigned votes = 0;
  for (unsigned lanes = warps_[current_ / warp_lanes].met; lanes != 0; lanes &= lanes - 1) {
    const int lane = std::countr_zero(lanes);
    votes |= static_cast<unsigned>(values[lane]) << lane;
  }
  return votes;
}

void* Emulator::shared_array(const SharedArray& array, std::size_t bytes) {
  running_thread("a shared array");
  thread_sanitizer::enter(sanitizer_host_);
  void* const memory = find_array(array, bytes);
  thread_sanitizer::release(&launch_tag_);
  thread_sanitizer::enter(sanitizer_fiber());
  throw_if_failed();
  thread_sanitizer::acquire(&launch_tag_);
  return memory;
}

/// Each array is a heap allocation of its own: a sanitizer then guards its ends, and tells of uses after the block's
/// end.
void* Emulator::find_array(const SharedArray& array, std::size_t bytes) {
  for (const Array& known : arrays_) {
    if (known.declaration == &array) return known.memory;
  }
  constexpr std::size_t alignment = alignof(std::max_align_t);
  shared_bytes_ += (bytes + alignment - 1) / alignment * alignment;
  if (shared_bytes_ > most_shared_bytes) {
    report(current_, std::string("shared array ") + array.name + " at " + array.file + ":" +
                         std::to_string(array.line) + " makes " + std::to_string(shared_bytes_) +
                         " bytes of shared memory, at most 49152 can be");
    return nullptr;
  }
  arrays_.push_back({&array, allocate(bytes)});
  return arrays_.back().memory;
}

}  // namespace

void set_order(Order order) { emulator.set_order(order); }

void run(const char* kernel_name, Dim3 grid, Dim3 block, const std::function<void()>& thread) {
  emulator.run(kernel_name, grid, block, thread);
}

void* allocate(std::size_t bytes) {
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return std::memset(memory, 0xFF, bytes);
}

void release(void* memory) { std::free(memory); }

SACCADE_UNINSTRUMENTED void block_barrier(const Site& site) { emulator.block_barrier(site); }

SACCADE_UNINSTRUMENTED void warp_barrier(const Site& site, unsigned mask) { emulator.warp_barrier(site, mask); }

SACCADE_UNINSTRUMENTED std::uint64_t shuffle_bits(const Site& site, Shuffle kind, unsigned mask, std::uint64_t bits,
                                                  unsigned operand, unsigned width) {
  return emulator.shuffle(site, kind, mask, bits, operand, width);
}

SACCADE_UNINSTRUMENTED unsigned ballot(const Site& site, unsigned mask, bool predicate) {
  return emulator.ballot(site, mask, predicate);
}

SACCADE_UNINSTRUMENTED void* shared_array(const SharedArray& array, std::size_t bytes) {
  return emulator.shared_array(array, bytes);
}

}  // namespace saccade::emulation
