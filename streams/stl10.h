#pragma once
#include <cstddef>
#include <filesystem>

#include "streams/image_set.h"

/// The binary version of STL-10 (Coates, Ng and Lee 2011, https://cs.stanford.edu/~acoates/stl10). An image file (X) is
/// a row of images of 27,648 bytes: a red, a green and a blue plane, each 96 columns of 96 rows (column-major). A label
/// file (y) has one byte, 1 to 10, per image. In memory images are [row][column][channel] and labels 0 to 9.
namespace saccade {

/// The first `wanted` images of a file (0: all), without labels. How many there are follows from its size, which is
/// checked before anything is read; images beyond are not read. Throws InputError (missing, a size that is no multiple
/// of an image's, fewer images than wanted).
ImageSet read_stl10_images(const std::filesystem::path& file, std::size_t wanted);

/// FOLDER/stl10_binary/{unlabeled_X,train_X,train_y,test_X,test_y}.bin; names of the classes from class_names.txt
/// there, else from memory. `images` = 0: all unlabelled images (100,000 in the original: 2.8 GB), else the first so
/// many; the labelled ones are always read. Throws InputError.
DataSet load_stl10(const std::filesystem::path& folder, std::size_t images);

/// The labelled images alone.
DataSet load_stl10_labelled(const std::filesystem::path& folder);

}  // namespace saccade
