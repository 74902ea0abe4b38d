#include "engine/frame_parser.h"

#include "engine/error.h"

namespace saccade {

void FrameParser::feed(ByteSpan bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void FrameParser::refuse(const std::string& found) const {
  throw InputError(what_ + ": position " + std::to_string(position_) + ": " + found);
}

std::optional<Record> FrameParser::next() {
  if (!error_.empty()) throw InputError(error_);
  try {
    return parse();
  } catch (const InputError& error) {
    error_ = error.what();
    throw;
  }
}

std::optional<Record> FrameParser::parse() {
  if (position_ == 0) {
    const std::optional<std::string> kind = frame::kind_of(rest(), what_);
    if (!kind) return std::nullopt;
    frame::check_kind(*kind, kind_, what_);
    take(record_file_header_bytes);
  }
  if (rest().size() < record_header_bytes) return std::nullopt;
  const std::optional<std::uint32_t> length = frame::payload_length(rest());
  if (!length) refuse("got other bytes, expected a record, which begins with \"SREC\"");
  if (*length > most_)
    refuse("got a record of " + std::to_string(*length) + " bytes, expected at most " + std::to_string(most_));
  const std::size_t size = static_cast<std::size_t>(record_header_bytes + frame::padded(*length));
  if (rest().size() < size) return std::nullopt;
  const std::optional<Record> record = frame::record(rest().first(size), position_);
  if (!record) refuse("got a record whose checksum differs: it is damaged, or was made for another position");
  take(size);
  return record;
}

}  // namespace saccade
