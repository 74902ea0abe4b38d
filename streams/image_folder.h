#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>

#include "streams/image_set.h"
#include "streams/resize.h"

/// A data set from image files (streams/image_file.h) in folders, a folder for each class:
///
///     PATH/train/CLASS/*  PATH/test/CLASS/*     classes are those of train/, test/ may lack some
///     PATH/CLASS/*                              images 4, 9, 14 ... of each class, from 0, are the test part
///     PATH/unlabelled/*                         optional, in either layout: what an encoder learns from
///
/// Names sort by their bytes, images within a class by theirs. An image set holds the first image of every class, then
/// the second of every class that has two, and so on: its beginning is balanced whatever the files are called. Names
/// that begin with a dot are ignored; anything else that is not where an image or a folder is expected is an error.
namespace saccade {

struct FolderOptions {
  std::filesystem::path path;  ///< relative to the folder of all data sets, or absolute
  int height = 32, width = 32, channels = 3;
  Fit fit = Fit::crop;
  int classes = 0;  ///< how many there must be; 0 = any number
};

/// How the images are decoded; never changes what comes out.
struct Decoding {
  int threads = 0;                                                      ///< 0 = one per core
  std::function<void(std::size_t done, std::size_t total)> progress{};  ///< after each image, on one thread at a time
};

/// `images` = 0: all that an encoder learns from (DataSet::encoder_images), else the first so many; others are not
/// decoded. Throws InputError; where several images are broken, for the first of them.
DataSet load_image_folder(const std::filesystem::path& folder, const FolderOptions& options, std::size_t images,
                          const Decoding& decoding = {});

/// The labelled images alone, all of them.
DataSet load_image_folder_labelled(const std::filesystem::path& folder, const FolderOptions& options,
                                   const Decoding& decoding = {});

}  // namespace saccade
