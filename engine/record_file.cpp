#include "engine/record_file.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "engine/crc32c.h"
#include "engine/error.h"

namespace saccade {
namespace {

constexpr std::array<std::uint8_t, 8> magic{'S', 'A', 'C', 'C', 'A', 'D', 'E', 0x1a};
constexpr std::uint32_t version = 1;
constexpr std::uint32_t marker = 0x43455253;  // "SREC"
constexpr std::size_t kind_bytes = 16;
constexpr std::size_t buffer_limit = 64 << 10;
constexpr std::size_t window_bytes = 1 << 20;

using FileHeader = std::array<std::uint8_t, record_file_header_bytes>;

void put(std::uint8_t* to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t get(const std::uint8_t* from) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | from[i];
  return value;
}

std::uint64_t padded(std::uint64_t size) { return (size + 7) / 8 * 8; }

std::uint32_t header_crc(ByteSpan header) { return crc32c(header.subspan(16), crc32c(header.first(12))); }

FileHeader make_header(std::string_view kind) {
  if (kind.empty() || kind.size() > kind_bytes) throw std::length_error("record file: a kind has 1 to 16 characters");
  FileHeader header{};
  std::copy(magic.begin(), magic.end(), header.begin());
  put(header.data() + 8, version, 4);
  std::copy(kind.begin(), kind.end(), header.begin() + 16);
  put(header.data() + 12, header_crc(header), 4);
  return header;
}

/// `body` is what follows the CRC: payload and padding.
std::uint32_t record_crc(std::uint64_t position, const std::uint8_t* length_and_type, ByteSpan body) {
  std::array<std::uint8_t, 16> head;
  put(head.data(), position, 8);
  std::copy(length_and_type, length_and_type + 8, head.begin() + 8);
  return crc32c(body, crc32c(head));
}

std::string printable(ByteSpan bytes) {
  std::string text;
  for (std::uint8_t byte : bytes) {
    if (byte == 0) break;
    text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
  }
  return text;
}

void check_kind(FileSystem& files, const std::filesystem::path& file, std::string_view kind) {
  const std::string found = record_file_kind(files, file);
  if (found != kind) {
    throw InputError(file.string() + ": got a file of kind \"" + found + "\", expected kind \"" + std::string(kind) +
                     "\"");
  }
}

}  // namespace

std::string record_file_kind(FileSystem& files, const std::filesystem::path& file) {
  const auto header = files.read(file, 0, record_file_header_bytes);
  const std::size_t common = std::min(header.size(), magic.size());
  if (!std::equal(magic.begin(), magic.begin() + static_cast<std::ptrdiff_t>(common), header.begin()) || common == 0) {
    throw InputError(file.string() + ": position 0: got \"" + printable(ByteSpan(header).first(common)) +
                     "\", expected \"SACCADE\": not a file of this program");
  }
  if (header.size() < record_file_header_bytes) {
    throw InputError(file.string() + ": got " + std::to_string(header.size()) + " bytes, expected a header of " +
                     std::to_string(record_file_header_bytes) + " bytes: the file is torn");
  }
  if (get(&header[12]) != header_crc(header)) {
    throw InputError(file.string() + ": position 12: the header is damaged: its checksum differs");
  }
  if (get(&header[8]) != version) {
    throw InputError(file.string() + ": position 8: got version " + std::to_string(get(&header[8])) +
                     ", expected version " + std::to_string(version) +
                     (get(&header[8]) > version ? ": made by a newer program, which can read it" : ""));
  }
  return printable(ByteSpan(header).subspan(16));
}

RecordWriter RecordWriter::create(FileSystem& files, const std::filesystem::path& file, std::string_view kind) {
  const FileHeader header = make_header(kind);
  RecordWriter writer(files.create(file), record_file_header_bytes);
  writer.buffer_.assign(header.begin(), header.end());
  return writer;
}

RecordWriter RecordWriter::resume(FileSystem& files, const std::filesystem::path& file, std::string_view kind,
                                  std::uint64_t position) {
  check_kind(files, file, kind);
  const std::uint64_t size = files.size(file);
  if (position < record_file_header_bytes || position % 8 != 0 || position > size) {
    throw InputError(file.string() + ": has " + std::to_string(size) + " bytes, cannot be continued at position " +
                     std::to_string(position));
  }
  if (position < size) files.truncate(file, position);
  return {files.append(file), position};
}

RecordWriter::~RecordWriter() {
  if (!file_) return;
  try {
    flush();
  } catch (...) {
    // A destructor cannot report; close() does.
  }
}

std::uint32_t RecordWriter::append(std::uint32_t type, ByteSpan payload) {
  if (payload.size() > largest_payload) {
    throw std::length_error(file_->path().string() + ": a record of " + std::to_string(payload.size()) +
                            " bytes exceeds the limit of " + std::to_string(largest_payload));
  }
  const std::size_t start = buffer_.size();
  const std::uint64_t size = record_header_bytes + padded(payload.size());
  buffer_.resize(start + size);
  std::uint8_t* record = buffer_.data() + start;
  put(record, marker, 4);
  put(record + 4, payload.size(), 4);
  put(record + 8, type, 4);
  std::copy(payload.begin(), payload.end(), record + record_header_bytes);
  const std::uint32_t crc = record_crc(
      position_, record + 4, {record + record_header_bytes, static_cast<std::size_t>(padded(payload.size()))});
  put(record + 12, crc, 4);
  position_ += size;
  if (buffer_.size() >= buffer_limit) flush();
  return crc;
}

void RecordWriter::flush() {
  file_->write(buffer_);
  buffer_.clear();
}

void RecordWriter::sync() {
  flush();
  file_->sync();
}

void RecordWriter::close() {
  flush();
  file_->close();
  file_.reset();
}

std::string describe(const Damage& damage) {
  return std::to_string(damage.bytes) + " bytes lost at position " + std::to_string(damage.position);
}

RecordReader::RecordReader(FileSystem& files, const std::filesystem::path& file, std::string_view kind)
    : files_(files), file_(file) {
  check_kind(files, file, kind);
  size_ = files.size(file);
}

ByteSpan RecordReader::bytes(std::uint64_t position, std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, size_ - position));
  if (position < window_start_ || position + size > window_start_ + window_.size()) {
    window_ = files_.read(file_, position, std::max(size, window_bytes));
    window_start_ = position;
    size = std::min(size, window_.size());  // the file has become shorter under our hands
  }
  return ByteSpan(window_).subspan(static_cast<std::size_t>(position - window_start_), size);
}

std::optional<Record> RecordReader::record_at(std::uint64_t position) {
  const ByteSpan header = bytes(position, record_header_bytes);
  if (header.size() < record_header_bytes || get(header.data()) != marker) return std::nullopt;
  const std::uint32_t length = get(header.data() + 4);
  const std::uint64_t body_bytes = padded(length);
  if (length > largest_payload || body_bytes > size_ - position - record_header_bytes) return std::nullopt;
  const ByteSpan whole = bytes(position, static_cast<std::size_t>(record_header_bytes + body_bytes));
  if (whole.size() < record_header_bytes + body_bytes) return std::nullopt;
  const std::uint32_t crc = get(whole.data() + 12);
  if (crc != record_crc(position, whole.data() + 4, whole.subspan(record_header_bytes))) return std::nullopt;
  return Record{get(whole.data() + 8), crc, position, whole.subspan(record_header_bytes, length)};
}

void RecordReader::seek(std::uint64_t position) {
  end_ = position;
  damage_.clear();
}

std::optional<Record> RecordReader::next() {
  const std::uint64_t start = damage_.empty() ? end_ : std::max(end_, damage_.back().position + damage_.back().bytes);
  for (std::uint64_t position = start; position < size_; position += 8) {
    auto record = record_at(position);
    if (!record) continue;
    if (position > start) damage_.push_back({start, position - start, false});
    end_ = position + record_header_bytes + padded(record->payload.size());
    return record;
  }
  if (start < size_) damage_.push_back({start, size_ - start, true});
  return std::nullopt;
}

}  // namespace saccade
