#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tools/safetensors.h"

namespace saccade {

/// A safetensors file whose tensors grow row by row, several at a time, so that they need not fit into memory. It
/// replaces an older file in finish(); one that was not finished leaves nothing behind. SystemError when the system
/// refuses.
class SafeTensorsStream {
 public:
  SafeTensorsStream(const std::filesystem::path& file, std::vector<TensorEntry> entries,
                    const std::map<std::string, std::string>& metadata);
  ~SafeTensorsStream();
  SafeTensorsStream(const SafeTensorsStream&) = delete;
  SafeTensorsStream& operator=(const SafeTensorsStream&) = delete;

  /// The next values of a tensor, of its type. std::invalid_argument for more than it holds, or of another type.
  void append(std::size_t tensor, std::span<const float> values);
  void append(std::size_t tensor, std::span<const std::int64_t> values);
  /// std::logic_error when a tensor is not complete.
  void finish();

  std::uint64_t bytes() const { return bytes_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }

 private:
  void append(std::size_t tensor, const void* data, std::size_t bytes, bool integers);
  void write(const void* data, std::size_t bytes, std::uint64_t at);

  std::filesystem::path file_, temporary_;
  std::vector<TensorEntry> entries_;
  std::vector<std::uint64_t> next_, end_;  ///< of each tensor in the file
  std::uint64_t bytes_ = 0;
  int descriptor_ = -1;
};

}  // namespace saccade
