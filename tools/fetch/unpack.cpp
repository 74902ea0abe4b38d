#include "tools/fetch/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;
using Reader = std::unique_ptr<struct archive, int (*)(struct archive*)>;

constexpr std::size_t block = std::size_t{1} << 20;

Reader new_reader() {
  Reader reader(archive_read_new(), archive_read_free);
  if (!reader) throw std::bad_alloc();
  return reader;
}

/// libarchive warns of what it can put up with, such as names in another character set.
void require(const Reader& reader, int code) {
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
    const char* reason = archive_error_string(reader.get());
    throw InputError(reason ? reason : "damaged");
  }
}

class Unpacking {
 public:
  Unpacking(const fs::path& folder, const Tick& tick) : folder_(folder), tick_(tick), buffer_(block) {}

  void take(const Reader& from, const Member& member) {
    const std::unique_ptr<File> to = real_files().create(folder_ / member.file_name());
    std::uint64_t size = 0;
    while (true) {
      const la_ssize_t count = archive_read_data(from.get(), buffer_.data(), buffer_.size());
      if (count < 0) require(from, static_cast<int>(count));
      if (count <= 0) break;
      size += static_cast<std::uint64_t>(count);
      if (size > member.size) break;
      to->write({buffer_.data(), static_cast<std::size_t>(count)});
      tick_(done_ += static_cast<std::uint64_t>(count));
    }
    if (size != member.size)
      throw InputError(fmt::format("{}: {} {} bytes, expected {}", member.path,
                                   size > member.size ? "more than" : "ends after", std::min(size, member.size),
                                   member.size));
    to->sync();
    to->close();
  }

  /// A gzip file inside the archive that `outer` stands at.
  void take_gzipped(const Reader& outer, const Member& member) {
    Source source{outer.get(), std::vector<std::uint8_t>(block)};
    const Reader inner = new_reader();
    require(inner, archive_read_support_filter_gzip(inner.get()));
    require(inner, archive_read_support_format_raw(inner.get()));
    require(inner, archive_read_open(inner.get(), &source, nullptr, &Source::read, nullptr));
    archive_entry* entry = nullptr;
    require(inner, archive_read_next_header(inner.get(), &entry));
    if (archive_filter_code(inner.get(), 0) != ARCHIVE_FILTER_GZIP)
      throw InputError(fmt::format("{}: not a gzip file", member.path));
    take(inner, member);
  }

 private:
  struct Source {
    struct archive* outer;
    std::vector<std::uint8_t> buffer;

    static la_ssize_t read(struct archive* inner, void* user, const void** bytes) {
      Source& source = *static_cast<Source*>(user);
      *bytes = source.buffer.data();
      const la_ssize_t count = archive_read_data(source.outer, source.buffer.data(), source.buffer.size());
      if (count < 0) archive_set_error(inner, EIO, "%s", archive_error_string(source.outer));
      return count < 0 ? ARCHIVE_FATAL : count;
    }
  };

  const fs::path& folder_;
  const Tick& tick_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t done_ = 0;
};

/// Only what the archive is published as: libarchive's other readers have no part in this.
Reader open_archive(const fs::path& file, const std::string& name) {
  Reader reader = new_reader();
  if (name.ends_with(".tar.gz")) {
    require(reader, archive_read_support_filter_gzip(reader.get()));
    require(reader, archive_read_support_format_tar(reader.get()));
  } else if (name.ends_with(".zip")) {
    require(reader, archive_read_support_format_zip(reader.get()));
  } else {
    require(reader, archive_read_support_format_raw(reader.get()));
  }
  require(reader, archive_read_open_filename(reader.get(), file.c_str(), block));
  return reader;
}

void unpack_members(const fs::path& file, const Archive& archive, const fs::path& folder, const Tick& tick) {
  const std::string name = archive.file_name();
  const bool single = !name.ends_with(".tar.gz") && !name.ends_with(".zip");
  const Reader reader = open_archive(file, name);
  Unpacking unpacking(folder, tick);
  std::set<std::string> taken;
  archive_entry* entry = nullptr;
  for (int code; (code = archive_read_next_header(reader.get(), &entry)) != ARCHIVE_EOF;) {
    require(reader, code);
    const char* const given = single ? name.c_str() : archive_entry_pathname(entry);
    const std::string path = given ? fs::path(given).lexically_normal().string() : "";
    const auto member = std::find_if(archive.members.begin(), archive.members.end(),
                                     [&](const Member& one) { return one.path == path; });
    if (member == archive.members.end()) continue;
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr)
      throw InputError(fmt::format("{}: expected a plain file", path));
    if (!taken.insert(path).second) throw InputError(fmt::format("{}: is there twice", path));
    if (path.ends_with(".gz")) {
      unpacking.take_gzipped(reader, *member);
    } else {
      unpacking.take(reader, *member);
    }
  }
  for (const Member& member : archive.members)
    if (!taken.contains(member.path)) throw InputError(fmt::format("{}: is missing", member.path));
}

}  // namespace

void unpack(const fs::path& file, const Archive& archive, const fs::path& folder, const Tick& tick) {
  try {
    unpack_members(file, archive, folder, tick);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace saccade
