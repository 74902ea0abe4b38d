#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "engine/checkpoint.h"
#include "engine/file_system.h"
#include "engine/hash.h"

namespace saccade {

/// What the files of a run held at a checkpoint: each file's first bytes, and their hash. A run that goes on behind
/// them would otherwise finish files that were damaged, edited or swapped meanwhile, and nobody could tell.
class KeptRecords {
 public:
  /// Those of the checkpoint from which a run goes on; one of an older program says nothing of its files.
  void load(const Checkpoint& checkpoint);
  /// InputError when they are not in the file any more. To be called for each file before it is written.
  void check(FileSystem& files, const std::string& name, const std::filesystem::path& file);
  /// The first `bytes` of a file, which are in the system's hands, go into the checkpoint under this name. Of a file
  /// that has only grown, what is new is read.
  void save(FileSystem& files, Checkpoint& checkpoint, const std::string& name, const std::filesystem::path& file,
            std::uint64_t bytes);
  /// The same of a file that may have been written anew; whole.
  void save_anew(FileSystem& files, Checkpoint& checkpoint, const std::string& name, const std::filesystem::path& file);

 private:
  struct Part {
    std::uint64_t bytes = 0;
    Hash hash = {};
  };
  /// To so many bytes. False where the file has fewer.
  static bool grow(FileSystem& files, Part& part, const std::filesystem::path& file, std::uint64_t bytes);

  std::map<std::string, Part> parts_;
  std::map<std::string, std::vector<std::int64_t>> expected_;  ///< two words of the hash, bytes
};

/// A hash of two words among the integers of a checkpoint.
void save_hash(Checkpoint& checkpoint, const std::string& name, const std::string& hex);
/// Whether it is the one that was saved; true where none was.
bool is_saved_hash(const Checkpoint& checkpoint, const std::string& name, const std::string& hex);

}  // namespace saccade
