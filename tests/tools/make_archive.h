#pragma once
#include <archive.h>
#include <archive_entry.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "streams/files.h"

/// Archives with whatever a test wants in them.
namespace saccade::test {

struct Entry {
  std::string path;
  Bytes bytes = {};
  std::string symlink = {};   ///< where it points; empty: a plain file
  std::string hardlink = {};  ///< to this earlier path
  bool folder = false;
};

/// A .zip or a .tar.gz.
inline Bytes make_archive(const std::vector<Entry>& entries, bool zip = false) {
  std::size_t room = 1 << 16;
  for (const Entry& entry : entries) room += 2 * entry.bytes.size() + 4096;
  Bytes out(room);
  std::size_t used = 0;
  struct archive* const writer = archive_write_new();
  const auto require = [&](la_ssize_t code) {
    if (code < ARCHIVE_OK) throw std::runtime_error(archive_error_string(writer));
  };
  if (zip) {
    require(archive_write_set_format_zip(writer));
  } else {
    require(archive_write_add_filter_gzip(writer));
    require(archive_write_set_format_pax_restricted(writer));
  }
  require(archive_write_open_memory(writer, out.data(), out.size(), &used));
  for (const Entry& one : entries) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, one.path.c_str());
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_filetype(entry, one.folder ? AE_IFDIR : one.symlink.empty() ? AE_IFREG : AE_IFLNK);
    if (!one.symlink.empty()) archive_entry_set_symlink(entry, one.symlink.c_str());
    if (!one.hardlink.empty()) archive_entry_set_hardlink(entry, one.hardlink.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(one.bytes.size()));
    require(archive_write_header(writer, entry));
    require(archive_write_data(writer, one.bytes.data(), one.bytes.size()));
    archive_entry_free(entry);
  }
  require(archive_write_close(writer));
  archive_write_free(writer);
  out.resize(used);
  return out;
}

}  // namespace saccade::test
