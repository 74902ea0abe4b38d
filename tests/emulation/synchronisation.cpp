#include <algorithm>
#include <bit>
#include <cstddef>

#include "emulator.h"

/// What a kernel's threads call: barriers of a block and of a warp, what the lanes of a warp tell one another, and the
/// arrays that a block shares.
namespace saccade::emulation {

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
