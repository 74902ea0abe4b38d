#pragma once
#include <cstdint>
#include <filesystem>
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
///   padded with
///                     spaces; "__metadata__" maps strings to strings and is ignored
///   the rest          data, little-endian, row-major; the tensors fill it without holes or overlap
/// Types: F32 and I64.
struct SafeTensors {
  std::vector<Tensor> reals;
  std::vector<IntegerTensor> integers;

  /// nullptr when there is none of this name.
  const Tensor* real(std::string_view name) const;
  const IntegerTensor* integer(std::string_view name) const;
};

/// InputError naming `origin`, what was found and what was expected.
SafeTensors parse_safetensors(std::string_view bytes, const std::string& origin);
SafeTensors read_safetensors(const std::filesystem::path& file);

/// The file's bytes. std::invalid_argument when a shape does not fit its data or a name is used twice.
std::string safetensors_bytes(const SafeTensors& tensors);
/// Replaces the file as a whole.
void write_safetensors(const std::filesystem::path& file, const SafeTensors& tensors);

}  // namespace saccade
