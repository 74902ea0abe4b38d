#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/file_system.h"

namespace saccade {

/// A text file of a run that only grows: a header, then rows. Rows are collected in memory and handed to the system
/// from 4 KiB on, by sync() and at the end.
class AppendedFile {
 public:
  /// Starts a new file, or goes on with one cut to `keep_bytes` (what bytes() said at the checkpoint that is resumed).
  /// InputError when the file is shorter than that; SystemError when it cannot be written.
  AppendedFile(const std::filesystem::path& file, std::string_view header, std::optional<std::uint64_t> keep_bytes,
               FileSystem& files = real_files());
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  void write(std::string_view text);
  /// Everything written so far is on disk afterwards; call it before a checkpoint that remembers bytes().
  void sync();
  std::uint64_t bytes() const { return bytes_; }

 private:
  void flush();

  std::unique_ptr<File> out_;
  std::string waiting_;
  std::uint64_t bytes_ = 0;
};

}  // namespace saccade
