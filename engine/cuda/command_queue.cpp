#include "engine/cuda/command_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace saccade::SACCADE_CUDA {
namespace {

constexpr std::size_t most_commands = 8192;  // in one list; a longer one is cut
constexpr std::size_t most_recorded = 1024;  // lists remembered; an event-mode learner needs a few dozen
constexpr std::size_t smallest_chunk = std::size_t{1} << 20, alignment = 256;
constexpr std::size_t largest_upload = std::size_t{64} << 20;  // at a time: staging memory is never given back
// Sent ahead so many at a time: the device begins while the host prepares the next.
constexpr std::size_t lists_of_a_post = 8;

}  // namespace

void* CommandQueue::scratch(std::size_t bytes) {
  if (bytes > scratch_size_) {
    scratch_size_ = std::max(bytes, 2 * scratch_size_);
    scratch_.push_back(runtime_.allocate(scratch_size_));  // recorded lists point to the smaller ones
  }
  return scratch_.empty() ? nullptr : scratch_.back().get();
}

CommandQueue::Staged CommandQueue::reserve(std::size_t bytes) {
  bytes = (bytes + alignment - 1) / alignment * alignment;
  while (end_.chunk < staging_.size() && end_.used + bytes > staging_[end_.chunk].size) end_ = {end_.chunk + 1, 0};
  if (end_.chunk == staging_.size()) {
    const std::size_t size = std::max(smallest_chunk, bytes);
    staging_.push_back({runtime_.allocate_host(size), runtime_.allocate(size), size});
  }
  const Chunk& chunk = staging_[end_.chunk];
  const Staged at{static_cast<std::byte*>(chunk.host.get()) + end_.used,
                  static_cast<std::byte*>(chunk.device.get()) + end_.used, bytes};
  end_.used += at.bytes;
  if (!letter_.empty() && letter_.back().host + letter_.back().bytes == at.host)
    letter_.back().bytes += at.bytes;
  else
    letter_.push_back(at);
  return at;
}

void CommandQueue::upload(void* to, const void* from_host, std::size_t bytes) {
  for (; bytes > largest_upload; bytes -= largest_upload) {
    copy(to, stage(from_host, largest_upload), largest_upload);
    finish();
    to = static_cast<std::byte*>(to) + largest_upload;
    from_host = static_cast<const std::byte*>(from_host) + largest_upload;
  }
  if (bytes > 0) copy(to, stage(from_host, bytes), bytes);
}

const void* CommandQueue::stage(const void* from_host, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  const Staged place = reserve(bytes);
  std::memcpy(place.host, from_host, bytes);
  return place.device;
}

void CommandQueue::add(const Launch& launch) {
  list_.launch(launch);
  if (list_.commands().size() >= most_commands) send();  // in order; what it staged stays where it is
}

void CommandQueue::begin_with_letter(bool ahead) {
  const CommandList rest = std::exchange(list_, {});
  for (const Staged& part : letter_)
    if (ahead)
      take_letter(*this, mailbox_.mail(), part.device, part.bytes);
    else
      list_.move(Command::Kind::upload, part.device, part.host, part.bytes);
  list_.append(rest);
}

CommandQueue::Sendable CommandQueue::take(bool ahead) {
  std::string key = list_.key();
  for (const Staged& part : letter_) key.append(reinterpret_cast<const char*>(&part), sizeof part);
  key.push_back(ahead ? 'a' : 'n');
  if (recorded_.size() > most_recorded && !recorded_.contains(key)) {
    post();
    runtime_.wait();
    recorded_.clear();
  }
  // Most lists of a program's start never come again; those of its loop do.
  const auto [found, first] = recorded_.try_emplace(std::move(key));
  Sendable sendable;
  if (!found->second) {
    begin_with_letter(ahead);
    if (first) {
      sendable.list = std::exchange(list_, {});
    } else {
      found->second = runtime_.record(list_);
      ++counts_.recorded;
    }
  }
  sendable.recorded = found->second;
  list_.clear();
  letter_.clear();
  return sendable;
}

void CommandQueue::dispatch(const Sendable& sendable) {
  if (sendable.recorded)
    runtime_.replay(sendable.recorded.get());
  else
    runtime_.run(sendable.list);
  ++(sendable.recorded ? counts_.replayed : counts_.plain);
}

void CommandQueue::post() {
  if (ahead_.empty()) return;
  mailbox_.post();
  ++counts_.uploads;
  for (const Sendable& sendable : std::exchange(ahead_, {})) dispatch(sendable);
}

void CommandQueue::send() {
  post();
  if (list_.empty()) return;
  counts_.uploads += letter_.size();
  dispatch(take(false));
  begin_ = end_;
}

void CommandQueue::finish() {
  send();
  runtime_.wait();
  begin_ = end_ = {};
}

void CommandQueue::read(void* to_host, const void* from, std::size_t bytes) {
  send();
  runtime_.download(to_host, from, bytes);
  ++counts_.downloads;
  counts_.downloaded_bytes += bytes;
  begin_ = end_ = {};
}

void CommandQueue::read_later(void* to_host, const void* from, std::size_t bytes) {
  const std::size_t letter = letter_.empty() ? 0 : letter_.front().bytes;
  if (letter_.size() > 1 || !Mailbox::takes(letter, bytes) || list_.commands().size() + 1 >= most_commands)
    return read(to_host, from, bytes);
  if (!mailbox_.has_room(letter, bytes)) settle();
  answer(*this, mailbox_.mail(), from, bytes);
  mailbox_.put(letter > 0 ? letter_.front().host : nullptr, letter, to_host, bytes);
  ahead_.push_back(take(true));
  end_ = begin_;  // the mail has the letter
  if (ahead_.size() >= lists_of_a_post) post();
}

void CommandQueue::settle() {
  post();
  const std::size_t bytes = mailbox_.collect();
  counts_.downloads += bytes > 0;
  counts_.downloaded_bytes += bytes;
}

}  // namespace saccade::SACCADE_CUDA
