#include "engine/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "engine/error.h"

namespace saccade {
namespace {

std::string describe(const std::filesystem::path& path, const char* action, int error) {
  return path.string() + ": cannot " + action + ": " + std::generic_category().message(error);
}

[[noreturn]] void refuse(const std::filesystem::path& path, const char* action, int error) {
  // These say that the path that someone gave is wrong; the rest is the machine's fault.
  if (error == ENOENT || error == EACCES || error == EISDIR || error == ENOTDIR || error == ENAMETOOLONG) {
    throw InputError(describe(path, action, error));
  }
  throw SystemError(describe(path, action, error));
}

/// Closes at the end of the scope.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags, const char* action) {
    do {
      value_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    } while (value_ < 0 && errno == EINTR);
    if (value_ < 0) refuse(path, action, errno);
  }
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_ = -1;
};

void sync_descriptor(const std::filesystem::path& path, int descriptor) {
  // Not repeated on EINTR: whether a second attempt reports a lost page is not defined.
  if (::fsync(descriptor) != 0) throw SystemError(describe(path, "sync", errno));
}

class RealFile final : public File {
 public:
  RealFile(const std::filesystem::path& path, int flags)
      : File(path), descriptor_(path, flags | O_WRONLY | O_APPEND, "open for writing") {}

 private:
  std::size_t write_some(ByteSpan bytes) override {
    const ssize_t written = ::write(descriptor_.get(), bytes.data(), bytes.size());
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno == EINTR) return 0;
    throw SystemError(describe(path(), "write", errno));
  }
  void sync_impl() override { sync_descriptor(path(), descriptor_.get()); }
  void close_impl() override {
    if (::close(descriptor_.release()) != 0 && errno != EINTR) throw SystemError(describe(path(), "close", errno));
  }

  Descriptor descriptor_;
};

class RealFileSystem final : public FileSystem {
 public:
  bool exists(const std::filesystem::path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    refuse(path, "look up", errno);
  }

  std::uint64_t size(const std::filesystem::path& file) override {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) refuse(file, "read", errno);
    if (!S_ISREG(status.st_mode)) throw InputError(file.string() + ": is not a plain file");
    return static_cast<std::uint64_t>(status.st_size);
  }

  std::vector<std::uint8_t> read(const std::filesystem::path& file, std::uint64_t offset, std::size_t size) override {
    const std::uint64_t total = this->size(file);
    if (offset >= total) return {};
    const Descriptor descriptor(file, O_RDONLY, "read");
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min<std::uint64_t>(size, total - offset)));
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got =
          ::pread(descriptor.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) refuse(file, "read", errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
  }

  std::unique_ptr<File> create(const std::filesystem::path& file) override {
    return std::make_unique<RealFile>(file, O_CREAT | O_TRUNC);
  }

  std::unique_ptr<File> append(const std::filesystem::path& file) override {
    return std::make_unique<RealFile>(file, 0);
  }

  void truncate(const std::filesystem::path& file, std::uint64_t size) override {
    const Descriptor descriptor(file, O_WRONLY, "truncate");
    if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0) refuse(file, "truncate", errno);
    sync_descriptor(file, descriptor.get());
  }

  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) refuse(from, ("rename to " + to.string()).c_str(), errno);
  }

  void remove(const std::filesystem::path& file) override {
    if (::unlink(file.c_str()) != 0) refuse(file, "remove", errno);
  }

  void sync_directory(const std::filesystem::path& folder) override {
    const std::filesystem::path path = folder.empty() ? "." : folder;
    const Descriptor descriptor(path, O_RDONLY | O_DIRECTORY, "open the folder");
    sync_descriptor(path, descriptor.get());
  }

  std::vector<std::string> list(const std::filesystem::path& folder) override {
    const std::filesystem::path path = folder.empty() ? "." : folder;
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      if (entry->is_regular_file(error)) names.push_back(entry->path().filename().string());
    }
    if (error) refuse(path, "list", error.value());
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

template <class Operation>
void File::attempt(Operation operation) {
  if (failed_) throw SystemError(path_.string() + ": not usable after an earlier failure to write or sync");
  failed_ = true;
  operation();
  failed_ = false;
}

void File::write(ByteSpan bytes) {
  attempt([&] {
    while (!bytes.empty()) bytes = bytes.subspan(write_some(bytes));
  });
}

void File::sync() {
  attempt([&] { sync_impl(); });
}

void File::close() {
  attempt([&] { close_impl(); });
  failed_ = true;
}

std::vector<std::uint8_t> FileSystem::read_all(const std::filesystem::path& file, std::size_t limit) {
  const std::uint64_t bytes = size(file);
  if (bytes > limit) {
    throw InputError(file.string() + ": has " + std::to_string(bytes) + " bytes, expected at most " +
                     std::to_string(limit));
  }
  return read(file, 0, static_cast<std::size_t>(bytes));
}

FileSystem& real_files() {
  static RealFileSystem files;
  return files;
}

}  // namespace saccade
