#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// The seam between the program and the disk, narrow enough that the tests have a second one in memory, which tears
/// writes and crashes where it is told to (tests/engine/faulty_file_system.h).
///
/// Errors: what the system refuses is SystemError, a file that is missing, not readable or too large is InputError;
/// both name the file and the reason.
namespace saccade {

using ByteSpan = std::span<const std::uint8_t>;

/// A file open for writing at its end. Owned by one thread. What was written is on disk for good only after sync(). The
/// first failure is final: every later write or sync throws again, because after a failed sync the system may have
/// dropped the data and would report success the next time.
class File {
 public:
  explicit File(std::filesystem::path path) : path_(std::move(path)) {}
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Writes all of it: interrupted and short writes are continued.
  void write(ByteSpan bytes);
  void sync();
  /// Reports what the system noticed last; without it the destructor closes and ignores errors.
  void close();

 private:
  /// Writes some bytes and returns how many; 0 when interrupted before the first.
  virtual std::size_t write_some(ByteSpan bytes) = 0;
  virtual void sync_impl() = 0;
  virtual void close_impl() = 0;
  template <class Operation>
  void attempt(Operation operation);

  std::filesystem::path path_;
  bool failed_ = false;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual bool exists(const std::filesystem::path& path) = 0;
  virtual std::uint64_t size(const std::filesystem::path& file) = 0;
  /// Up to `size` bytes from `offset` on; fewer when the file ends there.
  virtual std::vector<std::uint8_t> read(const std::filesystem::path& file, std::uint64_t offset, std::size_t size) = 0;
  /// The whole file; InputError when it has more than `limit` bytes, before anything is allocated.
  std::vector<std::uint8_t> read_all(const std::filesystem::path& file, std::size_t limit);

  /// A new, empty file in place of what was there.
  virtual std::unique_ptr<File> create(const std::filesystem::path& file) = 0;
  /// An existing file, to be continued at its end.
  virtual std::unique_ptr<File> append(const std::filesystem::path& file) = 0;
  virtual void truncate(const std::filesystem::path& file, std::uint64_t size) = 0;
  /// Replaces `to` atomically; for good only after sync_directory().
  virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual void remove(const std::filesystem::path& file) = 0;
  /// An empty path means the current folder.
  virtual void sync_directory(const std::filesystem::path& folder) = 0;
  /// Names (without the folder) of the plain files in a folder, sorted.
  virtual std::vector<std::string> list(const std::filesystem::path& folder) = 0;
};

/// The disk. Shared and without state.
FileSystem& real_files();

}  // namespace saccade
