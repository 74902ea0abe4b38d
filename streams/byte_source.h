#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace saccade {

/// The most that one byte of a deflate stream can stand for (258 bytes for two bits, zlib's technical notes).
inline constexpr std::uint64_t largest_deflate_ratio = 1032;

/// Reads a file from its beginning to its end, once. Errors are InputError and name the file and the position.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Fills `to` with the next `bytes` bytes; returns how many there were, fewer only at the end.
  virtual std::size_t read(std::uint8_t* to, std::size_t bytes) = 0;
  /// All bytes that read() will give, where that is known without reading them.
  virtual std::optional<std::uint64_t> size() const = 0;
  /// No file of this size on disk can give more bytes: for deciding what to allocate before reading.
  virtual std::uint64_t size_limit() const = 0;
};

/// A file as it is.
std::unique_ptr<ByteSource> open_plain(const std::filesystem::path& file);

/// A gzip file (RFC 1952, one or more members), decoded as it is read: a bomb costs no memory. The checksum of a member
/// is verified when its end is reached. Bytes after the last member that are no member are an error, unlike with
/// gunzip.
std::unique_ptr<ByteSource> open_gzip(const std::filesystem::path& file);

}  // namespace saccade
