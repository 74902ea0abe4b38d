#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace saccade {

class FileSystem;

/// Everything that a run needs to go on: plain host values, named. Names starting with "record." are bookkeeping of
/// files and measures (bytes written so far, running means); they do not enter the fingerprint.
struct Checkpoint {
  struct Integers {
    std::string name;
    std::vector<std::int64_t> values;
  };
  struct Reals {
    std::string name;
    std::vector<double> values;
  };

  std::string experiment;       ///< the resolved experiment file (TOML)
  std::uint64_t event = 0;      ///< events handled
  std::string instruction_set;  ///< Device::instruction_set() that made the bits
  std::string arithmetic;       ///< "exact" or "fast"
  std::vector<Tensor> tensors;  ///< weights, feedback, optimiser state, memory
  std::vector<Integers> integers;
  std::vector<Reals> reals;

  const Tensor* find_tensor(const std::string& name) const;
  /// These throw InputError naming what is missing.
  const Tensor& tensor(const std::string& name) const;
  const std::vector<std::int64_t>& integer_values(const std::string& name) const;
  const std::vector<double>& real_values(const std::string& name) const;
};

/// 128-bit hash, 32 hex digits, of the event number, of names, shapes and bytes of tensors, and of integers and reals,
/// but those named "record.". Of no path, time, command or experiment text.
std::string fingerprint(const Checkpoint& checkpoint);

/// Replaces atomically: temporary file, sync, rename, sync of the folder. Throws SystemError; the old file then still
/// stands.
void save_checkpoint(FileSystem& files, const std::filesystem::path& file, const Checkpoint& checkpoint);

/// Throws InputError (not ours, torn, damaged) naming the file, the position and what was expected.
Checkpoint load_checkpoint(FileSystem& files, const std::filesystem::path& file);

/// Saves DIR/checkpoint-EVENT.ckpt and then removes all but the two newest generations.
std::filesystem::path save_generation(FileSystem& files, const std::filesystem::path& folder,
                                      const Checkpoint& checkpoint);

/// The newest valid generation in the folder (a damaged newer one is passed over; `warning` then says so), or nothing.
std::optional<Checkpoint> load_newest(FileSystem& files, const std::filesystem::path& folder, std::string& warning);

}  // namespace saccade
