#include "cuda_emulation.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <numeric>
#include <utility>

#include "emulator.h"

/// Runs kernels block by block, and a block in phases: in the order wanted, each thread runs up to a barrier or its
/// end; then those whose barrier is complete are the next phase. There is no scheduler to switch to: who waits or ends
/// finds the next thread itself and switches to its fiber, and a fiber whose thread has ended starts the next one in
/// place, so that a kernel without barriers runs on one stack without a single switch.
///
/// ThreadSanitizer sees each CUDA thread as a thread, and all that the emulation does in between as one more, the
/// host's.
namespace saccade::emulation {

Position position;
Emulator emulator;
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

}  // namespace saccade::emulation
