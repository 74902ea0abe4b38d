#pragma once
#include <cstdint>
#include <filesystem>

#include "engine/file_system.h"

namespace saccade {

struct Recovered {
  std::uint64_t records = 0;     ///< written: events; of a trace all records
  std::uint64_t lost_bytes = 0;  ///< that hold no whole record
  std::uint64_t unreadable = 0;  ///< whole records that are none of this kind of file's, left out
  std::uint64_t orphans = 0;     ///< saccades whose fixation, or views whose order, was lost: left out
  std::uint64_t saccades = 0;    ///< put between the views of two fixations, where they were lost
};

/// Writes what can be read of a damaged trace or file of views to a new file, which then is whole. InputError when
/// `to` exists already, or nothing can be read.
Recovered recover(const std::filesystem::path& from, const std::filesystem::path& to, FileSystem& files = real_files());

}  // namespace saccade
