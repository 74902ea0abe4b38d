#include "engine/record_file.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/record_frame.h"

namespace saccade {
namespace {

constexpr std::size_t buffer_limit = 64 << 10;
constexpr std::size_t window_bytes = 1 << 20;

void check_kind(FileSystem& files, const std::filesystem::path& file, std::string_view kind) {
  frame::check_kind(record_file_kind(files, file), kind, file.string());
}

}  // namespace

std::string record_file_kind(FileSystem& files, const std::filesystem::path& file) {
  const auto header = files.read(file, 0, record_file_header_bytes);
  if (header.empty())
    throw InputError(file.string() + ": position 0: got \"\", expected \"SACCADE\": not a file of this program");
  const std::optional<std::string> kind = frame::kind_of(header, file.string());
  if (!kind)
    throw InputError(file.string() + ": got " + std::to_string(header.size()) + " bytes, expected a header of " +
                     std::to_string(record_file_header_bytes) + " bytes: the file is torn");
  return *kind;
}

RecordWriter RecordWriter::create(FileSystem& files, const std::filesystem::path& file, std::string_view kind) {
  const auto header = frame::file_header(kind);
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
  const std::size_t before = buffer_.size();
  const std::uint32_t crc = frame::append(buffer_, position_, type, payload);
  position_ += buffer_.size() - before;
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
  if (header.size() < record_header_bytes) return std::nullopt;
  const std::optional<std::uint32_t> length = frame::payload_length(header);
  if (!length || *length > largest_payload) return std::nullopt;
  const std::uint64_t body_bytes = frame::padded(*length);
  if (body_bytes > size_ - position - record_header_bytes) return std::nullopt;
  const ByteSpan whole = bytes(position, static_cast<std::size_t>(record_header_bytes + body_bytes));
  if (whole.size() < record_header_bytes + body_bytes) return std::nullopt;
  return frame::record(whole, position);
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
    end_ = position + record_header_bytes + frame::padded(record->payload.size());
    return record;
  }
  if (start < size_) damage_.push_back({start, size_ - start, true});
  return std::nullopt;
}

}  // namespace saccade
