#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "streams/image_folder.h"

namespace saccade {

/// Names that load_data knows.
const std::vector<std::string>& data_names();

/// Reads a data set in its official unpacked layout below `folder`: cifar10 in cifar-10-batches-bin/, cifar100 in
/// cifar-100-binary/, stl10 in stl10_binary/, mnist in mnist/, emnist-letters in emnist/, fashion-mnist in
/// fashion-mnist/ or, where that is absent, from the Debian package dataset-fashion-mnist. `images` = 0: all images
/// that an encoder learns from (DataSet::encoder_images), else the first so many; files that are not needed are not
/// read. The test images are always complete. `folder` (streams/image_folder.h) alone has options. Throws InputError.
DataSet load_data(const std::string& name, const std::filesystem::path& folder, std::size_t images,
                  const FolderOptions& options = {}, const Decoding& decoding = {});

/// The same without a part for encoders that has no labels.
DataSet load_labelled(const std::string& name, const std::filesystem::path& folder, const FolderOptions& options = {},
                      const Decoding& decoding = {});

}  // namespace saccade
