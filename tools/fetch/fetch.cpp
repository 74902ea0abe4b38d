#include "tools/fetch/fetch.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/fetch/checksum.h"
#include "tools/fetch/unpack.h"
#include "tools/lock_folder.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

struct Interrupted {};

/// Shows how far one step is; an interrupt ends it.
class Step {
 public:
  Step(const std::string& what, std::uint64_t bytes, bool quiet, std::uint64_t done = 0)
      : progress_(what, bytes / unit, "kB", quiet, done / unit) {}
  void operator()(std::uint64_t bytes) {
    if (interrupted()) throw Interrupted();
    progress_.update(bytes / unit);
  }

 private:
  static constexpr std::uint64_t unit = 1000;
  Progress progress_;
};

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw SystemError(fmt::format("--data: cannot make the folder {}: {}", folder.string(), error.message()));
}

std::uint64_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  return error ? 0 : size;
}

/// Better than a disk that is full after an hour.
void check_room(const PublishedSet& set, const fs::path& work) {
  std::uint64_t needed = 0;
  for (const Archive& archive : set.archives) {
    needed += archive.size - std::min(archive.size, size_of(work / archive.file_name()));
    for (const Member& member : archive.members) needed += member.size;
  }
  const std::uint64_t found = fs::space(work).available;
  if (found < needed)
    throw SystemError(
        fmt::format("{}: {} MB of room found, {} MB needed for the archives and files of {}; make room or choose "
                    "another folder by --data",
                    work.parent_path().string(), found / 1'000'000, needed / 1'000'000 + 1, set.name));
}

std::string source_of(const Archive& archive, const std::string& mirror) {
  if (mirror.empty()) return archive.url;
  return mirror + (mirror.ends_with('/') ? "" : "/") + archive.file_name();
}

/// The archive, whole and verified, in the work folder.
void obtain(const Archive& archive, const fs::path& work, const FetchOptions& options) {
  const fs::path file = work / archive.file_name();
  const std::string url = source_of(archive, options.mirror);
  {
    Step step(archive.file_name(), archive.size, options.quiet, size_of(file));
    download(url, file, archive.size, options.patience, [&](std::uint64_t done) { step(done); });
  }
  Step step("verifying " + archive.file_name(), archive.size, options.quiet);
  const std::string found = sha256_of(file, [&](std::uint64_t done) { step(done); });
  if (found == archive.sha256) return;
  fs::remove(file);
  throw InputError(
      fmt::format("{}: SHA-256 {}, expected {}: damaged on the way or not the published archive; it is removed, fetch "
                  "it again or from elsewhere (--url BASE)",
                  url, found, archive.sha256));
}

void unpack_all(const PublishedSet& set, const fs::path& work, const fs::path& unpacked, bool quiet) {
  fs::remove_all(unpacked);
  make_folder(unpacked);
  for (const Archive& archive : set.archives) {
    std::uint64_t bytes = 0;
    for (const Member& member : archive.members) bytes += member.size;
    Step step("unpacking " + archive.file_name(), bytes, quiet);
    unpack(work / archive.file_name(), archive, unpacked, [&](std::uint64_t done) { step(done); });
  }
  if (const std::string lacks = what_lacks(set, work); !lacks.empty()) throw SystemError(lacks);
}

/// However a call ends, it leaves nothing but archives, whole or begun.
struct Cleaning {
  const fs::path& unpacked;
  const fs::path& work;

  ~Cleaning() {
    std::error_code ignored;
    fs::remove_all(unpacked, ignored);
    fs::remove(work, ignored);  // when it is empty
  }
};

}  // namespace

std::string what_lacks(const PublishedSet& set, const fs::path& data) {
  const fs::path folder = data / set.folder;
  if (!fs::is_directory(folder)) return fmt::format("{}: no such folder", folder.string());
  for (const Archive& archive : set.archives) {
    for (const Member& member : archive.members) {
      const fs::path file = folder / member.file_name();
      // Left compressed; what others compressed again, as Debian did, differs by the name in the header.
      const std::uint64_t compressed = size_of(file.string() + ".gz");
      if (member.path.ends_with(".gz") && !fs::exists(file) && compressed + 256 > archive.size &&
          compressed < archive.size + 256)
        continue;
      if (!fs::is_regular_file(file)) return fmt::format("{}: no such file", file.string());
      if (const std::uint64_t found = fs::file_size(file); found != member.size)
        return fmt::format("{}: found {} bytes, expected {}", file.string(), found, member.size);
    }
  }
  return {};
}

fs::path work_folder(const PublishedSet& set, const fs::path& data) { return data / (set.name + ".fetch"); }

FetchResult fetch(const PublishedSet& set, const fs::path& data, const FetchOptions& options) {
  const fs::path target = data / set.folder, work = work_folder(set, data), unpacked = work / set.folder;
  const std::string lacks = what_lacks(set, data);
  if (lacks.empty()) return FetchResult::was_there;
  if (fs::exists(target) && !(fs::is_directory(target) && fs::is_empty(target)))
    throw InputError(
        fmt::format("{}; {} holds something else than {} as it is published, or a part of it: move it away, "
                    "then fetch again",
                    lacks, target.string(), set.name));
  make_folder(work);
  const auto lock = lock_folder(work, "fetch:");
  const Cleaning cleaning{unpacked, work};
  try {
    check_room(set, work);
    for (const Archive& archive : set.archives) obtain(archive, work, options);
    unpack_all(set, work, unpacked, options.quiet);
  } catch (const Interrupted&) {
    return FetchResult::interrupted;
  }
  FileSystem& files = real_files();
  files.sync_directory(unpacked);
  files.rename(unpacked, target);
  files.sync_directory(data);
  for (const Archive& archive : set.archives) fs::remove(work / archive.file_name());
  return FetchResult::fetched;
}

}  // namespace saccade
