#pragma once
#include <cstddef>
#include <filesystem>

#include "streams/image_set.h"

/// The binary versions of CIFAR-10 and CIFAR-100 (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html). A file
/// is a row of records: one label byte (CIFAR-100: a coarse and a fine one, the fine one is used), then 1024 red, 1024
/// green and 1024 blue bytes, each 32 rows of 32. In memory the channels are interleaved.
namespace saccade {

/// What a file must look like.
struct CifarFile {
  std::size_t records = 10'000;
  std::size_t label_bytes = 1;  ///< the last one is the label
  int classes = 10;
};

/// Appends the first `wanted` records of a file to `images` (32x32x3). The file's size is checked before anything is
/// read; records beyond `wanted` are not read. Throws InputError (missing, wrong size, label out of range).
void append_cifar(const std::filesystem::path& file, const CifarFile& layout, std::size_t wanted, ImageSet& images);

/// FOLDER/cifar-10-batches-bin/{data_batch_1..5,test_batch}.bin. `images` = 0: all 50,000, else the first so many, from
/// no more batches than needed; the test images are always read. Throws InputError.
DataSet load_cifar10(const std::filesystem::path& folder, std::size_t images);

/// FOLDER/cifar-100-binary/{train,test}.bin, as above.
DataSet load_cifar100(const std::filesystem::path& folder, std::size_t images);

}  // namespace saccade
