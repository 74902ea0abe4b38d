#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace saccade {

class FileSystem;

/// A checkpoint is a record file of kind "checkpoint" (engine/record_file.h says what bytes frame its records, and that
/// its version is 1). Payloads are FlatBuffers, without identifier or size prefix, whose root is the named table of
/// schemas/checkpoint.fbs, all strings in UTF-8:
///
///   type 1  Meta: experiment, event, instruction set, arithmetic; the first record, once
///   type 2  Tensor     } one each, all tensors first, then all integers, then all reals, in the order of the struct;
///   type 3  Integers   } a Tensor's data are float32, row-major, as many as its shape says (empty = a scalar)
///   type 4  Reals      }
///   type 5  End: the number of records before it and the CRC-32C over their CRCs; the last record
///
/// Without an End that fits, the file is no checkpoint. Which names a run stores is told by what stores them (save() of
/// OnlineLearner, BatchLearner and what they own). Later versions may append fields to tables; anything else is another
/// version of the framing, which an older program refuses.

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
