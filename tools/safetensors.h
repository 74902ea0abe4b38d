#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace saccade {

struct IntegerTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<std::int64_t> data;
};

/// The tensors of a safetensors file, in the order of their data. The format (huggingface.co/docs/safetensors):
///   8 bytes           N, length of the header, little-endian
///   N bytes           header: JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...},
///                     padded with spaces; "__metadata__" maps strings to strings
///   the rest          data, little-endian, row-major; the tensors fill it without holes or overlap
/// Types: F32 and I64.
struct SafeTensors {
  std::vector<Tensor> reals;
  std::vector<IntegerTensor> integers;
  std::map<std::string, std::string> metadata = {};

  /// nullptr when there is none of this name.
  const Tensor* real(std::string_view name) const;
  const IntegerTensor* integer(std::string_view name) const;
};

/// InputError naming `origin`, what was found and what was expected.
SafeTensors parse_safetensors(std::string_view bytes, const std::string& origin);
SafeTensors read_safetensors(const std::filesystem::path& file);

/// What the header says of one tensor.
struct TensorEntry {
  std::string name;
  bool integers = false;  ///< I64 instead of F32
  std::vector<std::size_t> shape;

  /// Of its data.
  std::uint64_t bytes() const;
};

/// The file up to the data of these tensors, which follow each other in this order. std::invalid_argument when a name
/// is used twice. Put I64 first, so that every tensor stays aligned to its type when the file is mapped.
std::string safetensors_header(const std::vector<TensorEntry>& entries,
                               const std::map<std::string, std::string>& metadata);

/// The file's bytes. std::invalid_argument when a shape does not fit its data or a name is used twice.
std::string safetensors_bytes(const SafeTensors& tensors);
/// Replaces the file as a whole.
void write_safetensors(const std::filesystem::path& file, const SafeTensors& tensors);

}  // namespace saccade
