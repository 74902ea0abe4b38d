#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "streams/image_set.h"

/// IDX files (LeCun, MNIST; also EMNIST, Cohen et al. 2017, and Fashion-MNIST, Xiao et al. 2017): two zero bytes, 0x08
/// for unsigned bytes, the number of dimensions, each dimension as a big-endian 32-bit number, then the bytes,
/// row-major.
namespace saccade {

struct IdxArray {
  std::vector<std::uint32_t> shape;  ///< as the header says
  std::vector<std::uint8_t> data;    ///< the first items: whole ones, [min(shape[0], wanted)][shape[1]]...
};

inline constexpr std::size_t every_item = std::numeric_limits<std::size_t>::max();
/// A header that announces more bytes is refused before anything is allocated.
inline constexpr std::uint64_t idx_size_limit = std::uint64_t{1} << 31;

/// Reads FILE or, where that is absent, FILE.gz. The size of a plain file is always checked in full; of a compressed
/// one only what is wanted is decoded, so its checksum and end are verified when every item is wanted. Throws
/// InputError: missing, wrong magic number, no or too many items, truncated, damaged, bytes after the last item.
IdxArray read_idx(const std::filesystem::path& file, std::size_t dimensions, std::size_t wanted = every_item);

/// How a data set of 28x28 images uses its four IDX files.
struct IdxSet {
  std::string name;
  std::string train_prefix, test_prefix;  ///< before "-images-idx3-ubyte" and "-labels-idx1-ubyte"
  std::vector<std::string> classes;
  int first_label = 0;      ///< of the files; in memory labels start at 0
  bool transposed = false;  ///< the files store columns as rows; put right in memory
};

/// `images` = 0: all training images, else the first so many; all test images. Throws InputError.
DataSet load_idx_set(const IdxSet& set, const std::filesystem::path& folder, std::size_t images);

IdxSet mnist_set();
IdxSet emnist_letters_set();
IdxSet fashion_mnist_set();

}  // namespace saccade
