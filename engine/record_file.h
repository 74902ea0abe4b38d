#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/file_system.h"

/// Framing of records, shared by all our files. All integers are little-endian.
///
///   file header, 32 bytes
///     0   8  magic "SACCADE\x1a": tells our files from others, and the last byte ends a listing on a terminal
///     8   4  version of the framing, 1
///    12   4  CRC-32C of bytes 0-11 and 16-31
///    16  16  kind in ASCII ("trace", "checkpoint", "views"), filled up with zeros
///   records, each at a multiple of 8 bytes
///     0   4  marker 53 52 45 43 ("SREC"): where a reader that lost its way may try again
///     4   4  length of the payload
///     8   4  type, its meaning belongs to the kind of file
///    12   4  CRC-32C of the record's position in the file (8 bytes), length, type, payload and padding. With its
///            position, a record inside another one's payload, or a block that the disk put in the wrong place, is not
///            taken for one that belongs there.
///    16   .  payload: starts at a multiple of 8, so that a FlatBuffer can be read in place
///     .   .  zeros up to a multiple of 8
namespace saccade {

inline constexpr std::uint64_t record_file_header_bytes = 32;
inline constexpr std::uint64_t record_header_bytes = 16;
/// Largest payload: what a reader is willing to hold, and a writer to write (std::length_error).
inline constexpr std::uint32_t largest_payload = 1u << 30;

/// Writes records at the end of a file. Records are collected in memory and handed to the system from 64 KiB on, at
/// flush() and at the end; errors of the end are reported by close() only. Owned by one thread.
class RecordWriter {
 public:
  /// A new file.
  static RecordWriter create(FileSystem& files, const std::filesystem::path& file, std::string_view kind);
  /// Continues a file after `position`, an earlier position() of it; what lies beyond is removed. InputError when the
  /// file is of another kind or shorter.
  static RecordWriter resume(FileSystem& files, const std::filesystem::path& file, std::string_view kind,
                             std::uint64_t position);
  RecordWriter(RecordWriter&&) = default;
  ~RecordWriter();

  /// Returns the record's CRC.
  std::uint32_t append(std::uint32_t type, ByteSpan payload);
  /// Bytes of the file with all records appended so far: where the next one will start.
  std::uint64_t position() const { return position_; }
  void flush();  ///< to the system: survives the death of this process
  void sync();   ///< to the disk: survives a power failure
  void close();

 private:
  RecordWriter(std::unique_ptr<File> file, std::uint64_t position) : file_(std::move(file)), position_(position) {}

  std::unique_ptr<File> file_;
  std::uint64_t position_;
  std::vector<std::uint8_t> buffer_;
};

struct Record {
  std::uint32_t type = 0;
  std::uint32_t crc = 0;
  std::uint64_t position = 0;  ///< of its header in the file
  ByteSpan payload;            ///< 8-aligned; valid until the next call of next()
};

/// Bytes of a file that hold no readable record.
struct Damage {
  std::uint64_t position = 0;
  std::uint64_t bytes = 0;
  bool tail = false;  ///< nothing readable follows: the file ends in a torn record, as it does after a crash
};

/// "12 bytes lost at position 96"
std::string describe(const Damage& damage);

/// Iterates over the records of a file. Damage never throws and never alters a record: what fails its checks is
/// skipped, the reader goes on at the next marker whose record is whole, and damage() tells what was lost.
class RecordReader {
 public:
  /// InputError when the file is not ours, of another kind or another version.
  RecordReader(FileSystem& files, const std::filesystem::path& file, std::string_view kind);

  std::optional<Record> next();
  /// Goes on at `position`, the beginning of the records or an end() of this file; damage() starts anew.
  void seek(std::uint64_t position);
  const std::vector<Damage>& damage() const { return damage_; }
  /// End of the last record that was read: where an appending writer can continue.
  std::uint64_t end() const { return end_; }

 private:
  /// `size` bytes at `position` of the file, read in larger pieces; fewer at the end of the file.
  ByteSpan bytes(std::uint64_t position, std::size_t size);
  std::optional<Record> record_at(std::uint64_t position);

  FileSystem& files_;
  std::filesystem::path file_;
  std::uint64_t size_;
  std::uint64_t end_ = record_file_header_bytes;
  std::uint64_t window_start_ = 0;
  std::vector<std::uint8_t> window_;
  std::vector<Damage> damage_;
};

/// The kind in the header of a file; InputError when the file is not ours.
std::string record_file_kind(FileSystem& files, const std::filesystem::path& file);

}  // namespace saccade
