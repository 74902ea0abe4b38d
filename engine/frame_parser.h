#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "engine/record_frame.h"

namespace saccade {

/// Records from a connection, over which the bytes of a record file (engine/record_file.h) come in pieces of any size:
/// bytes in, records or one error out. A connection has no place to go on behind damage, so the first fault is the
/// end. It holds at most what was fed and not taken yet, and never asks for memory because of an announced length: that
/// is compared with the limit as soon as it is there. Owned by one thread.
class FrameParser {
 public:
  /// `what` names the connection in messages. Payloads of more than `most` bytes are refused.
  FrameParser(std::string what, std::string kind, std::uint32_t most)
      : what_(std::move(what)), kind_(std::move(kind)), most_(most) {}

  void feed(ByteSpan bytes);
  /// The next record; nothing until more bytes are fed. InputError when what comes is no record of ours, and at every
  /// later call again. The payload is 8-aligned and valid until the next call of feed() or next().
  std::optional<Record> next();
  /// Whether nothing but whole records has come: a sender may end here.
  bool at_boundary() const { return taken_ == buffer_.size() && error_.empty(); }
  /// Bytes that wait.
  std::size_t waiting() const { return buffer_.size() - taken_; }

 private:
  ByteSpan rest() const { return ByteSpan(buffer_).subspan(taken_); }
  void take(std::size_t bytes) { taken_ += bytes, position_ += bytes; }
  std::optional<Record> parse();
  [[noreturn]] void refuse(const std::string& found) const;

  std::string what_, kind_;
  std::uint32_t most_;
  frame::Bytes buffer_;
  std::size_t taken_ = 0;       ///< of the buffer, a multiple of 8
  std::uint64_t position_ = 0;  ///< of the connection
  std::string error_;
};

}  // namespace saccade
