#include "tools/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Asks the file system rather than the permission bits: they do not tell about read-only mounts or the superuser.
bool can_write_in(const fs::path& folder) {
  std::string name = (folder / ".saccade-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return false;
  close(descriptor);
  unlink(name.c_str());
  return true;
}

/// Released by the system however the process ends.
std::shared_ptr<void> lock_folder(const fs::path& folder, const char* flag) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    throw InputError(fmt::format("{} {}: cannot open this folder: {}", flag, folder.string(), std::strerror(errno)));
  std::shared_ptr<void> lock(nullptr, [descriptor](void*) { ::close(descriptor); });
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw InputError(
        fmt::format("{} {}: another process is at work in this folder; wait for it or choose another folder", flag,
                    folder.string()));
  return lock;  // a file system without locks is no reason to refuse
}

[[noreturn]] void refuse_system(const fs::path& file, const char* what) {
  throw SystemError(fmt::format("{}: cannot {}: {}", file.string(), what, std::strerror(errno)));
}

}  // namespace

RunFolder create_run_folder(const fs::path& folder) {
  if (folder.empty()) throw InputError("--out: expected a folder");
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status)) {
    if (!fs::is_directory(status))
      throw InputError(fmt::format("--out {}: this is a file, expected a folder", folder.string()));
    const bool empty = fs::is_empty(folder, error);
    if (error) throw InputError(fmt::format("--out {}: cannot read this folder: {}", folder.string(), error.message()));
    if (!empty)
      throw InputError(
          fmt::format("--out {0}: this folder is not empty; choose another, or go on with its run by --resume {0}",
                      folder.string()));
  }
  fs::path topmost_new = folder;
  bool created = false;
  if (!fs::exists(status)) {
    while (topmost_new.has_parent_path() && topmost_new.parent_path() != topmost_new &&
           !fs::exists(topmost_new.parent_path(), error))
      topmost_new = topmost_new.parent_path();
    fs::create_directories(folder, error);
    if (error) {
      std::error_code ignored;
      fs::remove(topmost_new, ignored);
      throw InputError(fmt::format("--out {}: cannot make this folder: {}", folder.string(), error.message()));
    }
    created = true;
  }
  if (!can_write_in(folder)) {
    const std::string reason = std::strerror(errno);
    if (created) fs::remove_all(topmost_new, error);
    throw InputError(fmt::format("--out {}: cannot write in this folder: {}", folder.string(), reason));
  }
  return {folder, lock_folder(folder, "--out")};
}

RunFolder open_run_folder(const fs::path& folder) {
  std::error_code error;
  RunFolder run{folder};
  if (!fs::is_directory(folder, error)) throw InputError(fmt::format("--resume {}: no such folder", folder.string()));
  if (!fs::is_regular_file(run.experiment(), error))
    throw InputError(
        fmt::format("--resume {}: no experiment.toml in it, so it is not the folder of a run", folder.string()));
  if (!can_write_in(folder))
    throw InputError(
        fmt::format("--resume {}: cannot write in this folder: {}", folder.string(), std::strerror(errno)));
  run.lock = lock_folder(folder, "--resume");
  return run;
}

void replace_file(const fs::path& file, std::string_view bytes) {
  FileSystem& files = real_files();
  fs::path temporary = file;
  temporary += ".tmp";
  try {
    const std::unique_ptr<File> out = files.create(temporary);
    out->write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    out->sync();
    out->close();
    files.rename(temporary, file);
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  files.sync_directory(file.parent_path());
}

MetricsWriter::MetricsWriter(const fs::path& file, const char* header, std::optional<std::uint64_t> keep_bytes)
    : file_(file) {
  if (keep_bytes) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size < *keep_bytes)
      throw InputError(fmt::format("{}: found {} bytes, the checkpoint expects at least {}", file.string(),
                                   error ? std::uintmax_t{0} : size, *keep_bytes));
    fs::resize_file(file, *keep_bytes, error);
    if (error)
      throw SystemError(fmt::format("{}: cannot cut it to {} bytes: {}", file.string(), *keep_bytes, error.message()));
    bytes_ = *keep_bytes;
  }
  out_ = std::fopen(file.c_str(), keep_bytes ? "ab" : "wb");
  if (!out_) refuse_system(file, "open");
  if (bytes_ == 0) write(std::string(header) + "\n");
}

MetricsWriter::~MetricsWriter() { std::fclose(out_); }

void MetricsWriter::add(std::uint64_t event, double time, int layer, std::string_view quantity, double value) {
  write(fmt::format("{},{},{},{},{}\n", event, time, layer, quantity, value));
}

void MetricsWriter::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out_) != text.size()) refuse_system(file_, "write");
  bytes_ += text.size();
}

void MetricsWriter::sync() {
  if (std::fflush(out_) != 0 || fsync(fileno(out_)) != 0) refuse_system(file_, "sync");
}

}  // namespace saccade
