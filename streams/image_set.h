#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/event.h"
#include "streams/known_factors.h"

namespace saccade {

/// Images of one size, with labels or without, as they came from their files.
struct ImageSet {
  std::string name;                  ///< the data set's name on the command line: "cifar10"
  int height = 0, width = 0;         ///< pixels
  int channels = 0;                  ///< 1 (grey) or 3 (red, green, blue)
  std::vector<std::string> classes;  ///< names, indexed by label
  std::vector<std::uint8_t> pixels;  ///< [n][height][width][channels]
  std::vector<std::int32_t> labels;  ///< [n], 0 <= label < classes.size(); empty where there are none
  KnownFactors factors = {};         ///< of the built-in world's images; empty elsewhere

  std::size_t size() const { return image_bytes() == 0 ? 0 : pixels.size() / image_bytes(); }
  std::size_t image_bytes() const { return static_cast<std::size_t>(height) * width * channels; }
  /// First byte of an image; index < size() is the caller's duty.
  const std::uint8_t* image(std::size_t index) const { return pixels.data() + index * image_bytes(); }
};

struct DataSet {
  ImageSet train, test;
  ImageSet unlabelled = {};  ///< empty unless the data set has such a part (STL-10)
  /// The test images deformed in the data set's own way, `name` saying how; empty where a probe deforms them.
  ImageSet deformed_test = {};

  /// What an encoder learns from: the unlabelled part, where there is one.
  const ImageSet& encoder_images() const { return unlabelled.size() > 0 ? unlabelled : train; }
};

/// Hash of the images' size and pixels; 32 hex digits.
std::string content_hash(const ImageSet& images);

/// One image as floats in [0, 1], [height][width][channels]. Throws std::out_of_range.
Pixels pixels_of(const ImageSet& images, std::size_t index);

}  // namespace saccade
