#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade::testing {

/// Thrown at the crash. Not a std::exception, so that no handler of errors takes it for one.
struct Crash {};

/// Files in memory as a disk with a write cache would keep them. Every operation that changes something counts. At
/// operation `crash_at` the machine stops: that operation is still pending, and so is everything that was not synced.
/// restart() then decides from the seed, for each pending write on its own, whether it was done, dropped or torn (a
/// part of it written, the rest garbage), and for each changed name in a folder whether the old or the new state is
/// found. A sync that fails loses what it should have written, though it can still be read: the next one succeeds and
/// brings nothing back, as on Linux. Single-threaded; open files must not outlive it.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(std::uint64_t seed = 1) : random_(seed) {}

  int operations = 0;                           ///< counted so far
  int crash_at = -1;                            ///< number of the operation that crashes
  int fail_at = -1;                             ///< number of the operation that the system refuses with SystemError
  int reads = 0;                                ///< counted so far
  int fail_read_at = -1;                        ///< number of the read that the system refuses with SystemError
  std::size_t largest_write = ~std::size_t{0};  ///< longer writes are short ones
  bool interrupt = false;                       ///< every other write is interrupted before its first byte
  std::uint64_t capacity = ~std::uint64_t{0};   ///< bytes that all files together may have

  /// The machine comes up again, with what the disk holds.
  void restart() {
    for (auto& [path, inode] : live_) settle(*inode);
    for (auto& [path, inode] : durable_) settle(*inode);
    std::map<std::string, Node> found = durable_;
    for (const auto& [path, inode] : live_) {
      if ((!found.contains(path) || found[path] != inode) && toss()) found[path] = inode;
    }
    for (const auto& [path, inode] : durable_) {
      if (!live_.contains(path) && toss()) found.erase(path);
    }
    live_ = durable_ = std::move(found);
    crash_at = fail_at = fail_read_at = -1;
    crashed_ = false;
  }

  /// The bytes of a file, to be looked at or damaged.
  std::vector<std::uint8_t>& bytes(const std::filesystem::path& file) {
    Inode& inode = *find(file);
    inode.pending.clear();
    return inode.live;
  }
  /// Puts a whole file on the disk, as if it had always been there.
  void put(const std::filesystem::path& file, std::vector<std::uint8_t> content) {
    auto inode = std::make_shared<Inode>();
    inode->live = inode->durable = std::move(content);
    live_[file.string()] = durable_[file.string()] = inode;
  }

  bool exists(const std::filesystem::path& path) override { return live_.contains(path.string()); }
  std::uint64_t size(const std::filesystem::path& file) override { return find(file)->live.size(); }
  std::vector<std::uint8_t> read(const std::filesystem::path& file, std::uint64_t offset, std::size_t size) override {
    const auto& content = find(file)->live;
    if (++reads == fail_read_at) throw SystemError(file.string() + ": cannot read: Input/output error");
    if (offset >= content.size()) return {};
    const auto first = content.begin() + static_cast<std::ptrdiff_t>(offset);
    return {first, first + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(size, content.size() - offset))};
  }
  std::unique_ptr<File> create(const std::filesystem::path& file) override {
    // The old bytes are gone at once; POSIX promises nothing better.
    auto inode = std::make_shared<Inode>();
    live_[file.string()] = inode;
    count("create " + file.string());
    return std::make_unique<OpenFile>(*this, file, inode);
  }
  std::unique_ptr<File> append(const std::filesystem::path& file) override {
    return std::make_unique<OpenFile>(*this, file, find(file));
  }
  void truncate(const std::filesystem::path& file, std::uint64_t size) override {
    Inode& inode = *find(file);
    count("truncate " + file.string());
    inode.live.resize(static_cast<std::size_t>(size));
    persist(inode);
    inode.durable.resize(static_cast<std::size_t>(size));
  }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    const Node inode = find(from);
    live_.erase(from.string());
    live_[to.string()] = inode;
    count("rename " + from.string());
  }
  void remove(const std::filesystem::path& file) override {
    find(file);
    live_.erase(file.string());
    count("remove " + file.string());
  }
  void sync_directory(const std::filesystem::path& folder) override {
    count("sync of the folder " + folder.string());
    const auto inside = [&](const auto& entry) { return std::filesystem::path(entry.first).parent_path() == folder; };
    std::erase_if(durable_, inside);
    for (const auto& entry : live_) {
      if (inside(entry)) durable_.insert(entry);
    }
  }
  std::vector<std::string> list(const std::filesystem::path& folder) override {
    std::vector<std::string> names;
    for (const auto& [name, inode] : live_) {
      const std::filesystem::path path(name);
      if (path.parent_path() == folder) names.push_back(path.filename().string());
    }
    return names;
  }

 private:
  struct Write {
    std::size_t offset;
    std::vector<std::uint8_t> bytes;
  };
  struct Inode {
    std::vector<std::uint8_t> live, durable;
    std::vector<Write> pending;
  };
  using Node = std::shared_ptr<Inode>;

  class OpenFile final : public File {
   public:
    OpenFile(FaultyFileSystem& files, const std::filesystem::path& path, Node inode)
        : File(path), files_(files), inode_(std::move(inode)) {}

   private:
    std::size_t write_some(ByteSpan bytes) override {
      if (files_.interrupt && (interrupted_ = !interrupted_)) return 0;
      std::uint64_t used = 0;
      for (const auto& [path, inode] : files_.live_) used += inode->live.size();
      if (used >= files_.capacity) throw SystemError(path().string() + ": cannot write: No space left on device");
      const std::uint64_t room = std::min<std::uint64_t>(files_.capacity - used, files_.largest_write);
      bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room)));
      inode_->pending.push_back({inode_->live.size(), {bytes.begin(), bytes.end()}});
      inode_->live.insert(inode_->live.end(), bytes.begin(), bytes.end());
      files_.count("write " + path().string());
      return bytes.size();
    }
    void sync_impl() override {
      try {
        files_.count("sync " + path().string());
      } catch (const SystemError&) {
        inode_->pending.clear();
        throw;
      }
      persist(*inode_);
    }
    void close_impl() override {}

    FaultyFileSystem& files_;
    Node inode_;
    bool interrupted_ = false;
  };

  void count(const std::string& what) {
    if (crashed_) throw Crash{};
    ++operations;
    if (operations == crash_at) {
      crashed_ = true;
      throw Crash{};
    }
    if (operations == fail_at) throw SystemError(what + " failed: Input/output error");
  }

  Node find(const std::filesystem::path& file) {
    const auto found = live_.find(file.string());
    if (found == live_.end()) throw InputError(file.string() + ": cannot read: No such file or directory");
    return found->second;
  }

  static void persist(Inode& inode) {
    for (const Write& write : inode.pending) {
      const std::size_t end = write.offset + write.bytes.size();
      if (inode.durable.size() < end) inode.durable.resize(end);
      std::copy(write.bytes.begin(), write.bytes.end(),
                inode.durable.begin() + static_cast<std::ptrdiff_t>(write.offset));
    }
    inode.pending.clear();
  }

  bool toss() { return random_() % 2 == 0; }

  /// Decides what became of the pending writes of one file.
  void settle(Inode& inode) {
    for (const Write& write : inode.pending) {
      const auto fate = random_() % 3;
      if (fate == 0) continue;
      const std::size_t end = write.offset + write.bytes.size();
      if (inode.durable.size() < end) inode.durable.resize(end);
      const std::size_t whole = fate == 1 ? write.bytes.size() : random_() % (write.bytes.size() + 1);
      for (std::size_t i = 0; i < write.bytes.size(); ++i) {
        inode.durable[write.offset + i] = i < whole ? write.bytes[i] : static_cast<std::uint8_t>(random_());
      }
    }
    inode.pending.clear();
    inode.live = inode.durable;
  }

  std::mt19937_64 random_;
  std::map<std::string, Node> live_, durable_;
  bool crashed_ = false;
};

}  // namespace saccade::testing
