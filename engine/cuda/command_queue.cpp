#include "engine/cuda/command_queue.h"

#include <algorithm>
#include <cstring>

namespace saccade::SACCADE_CUDA {
namespace {

constexpr std::size_t most_commands = 8192;  // in one list; a longer one is cut
constexpr std::size_t most_recorded = 1024;  // lists remembered; an event-mode learner needs a few dozen
constexpr std::size_t smallest_chunk = std::size_t{1} << 20, alignment = 256;
constexpr std::size_t largest_upload = std::size_t{64} << 20;  // at a time: staging memory is never given back

}  // namespace

void* CommandQueue::scratch(std::size_t bytes) {
  if (bytes > scratch_size_) {
    scratch_size_ = std::max(bytes, 2 * scratch_size_);
    scratch_.push_back(runtime_.allocate(scratch_size_));  // recorded lists point to the smaller ones
  }
  return scratch_.empty() ? nullptr : scratch_.back().get();
}

CommandQueue::Place CommandQueue::reserve(std::size_t bytes) {
  while (chunk_ < staging_.size() && used_ + bytes > staging_[chunk_].size) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == staging_.size()) {
    const std::size_t size = std::max(smallest_chunk, bytes);
    staging_.push_back({runtime_.allocate_host(size), runtime_.allocate(size), size});
  }
  const std::size_t at = used_;
  used_ = (used_ + bytes + alignment - 1) / alignment * alignment;
  return {static_cast<std::byte*>(staging_[chunk_].host.get()) + at,
          static_cast<std::byte*>(staging_[chunk_].device.get()) + at};
}

void CommandQueue::upload(void* to, const void* from_host, std::size_t bytes) {
  for (; bytes > largest_upload; bytes -= largest_upload) {
    stage_to(to, from_host, largest_upload);
    finish();
    to = static_cast<std::byte*>(to) + largest_upload;
    from_host = static_cast<const std::byte*>(from_host) + largest_upload;
  }
  stage_to(to, from_host, bytes);
}

void CommandQueue::stage_to(void* to, const void* from_host, std::size_t bytes) {
  const Place place = reserve(bytes);
  std::memcpy(place.host, from_host, bytes);
  list_.move(Command::Kind::upload, to, place.host, bytes);
}

const void* CommandQueue::stage(const void* from_host, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const Place place = reserve(bytes);
  std::memcpy(place.host, from_host, bytes);
  list_.move(Command::Kind::upload, place.device, place.host, bytes);
  return place.device;
}

void CommandQueue::add(const Launch& launch) {
  list_.launch(launch);
  if (list_.commands().size() >= most_commands) send();  // in order; what it staged stays where it is
}

void CommandQueue::send() {
  if (list_.empty()) return;
  const auto [found, first] = recorded_.try_emplace(list_.key());
  if (first) {
    // Most lists of a program's start never come again; those of its loop do.
    if (recorded_.size() > most_recorded) {
      runtime_.wait();
      recorded_.clear();
    }
    runtime_.run(list_);
    ++counts_.plain;
  } else {
    if (!found->second) {
      found->second = runtime_.record(list_);
      ++counts_.recorded;
    }
    runtime_.replay(found->second.get());
    ++counts_.replayed;
  }
  list_.clear();
}

void CommandQueue::finish() {
  send();
  runtime_.wait();
  chunk_ = used_ = 0;
}

void CommandQueue::read(void* to_host, const void* from, std::size_t bytes) {
  send();
  runtime_.download(to_host, from, bytes);
  ++counts_.downloads;
  counts_.downloaded_bytes += bytes;
  chunk_ = used_ = 0;
}

}  // namespace saccade::SACCADE_CUDA
