#include "streams/stl10.h"

#include <fmt/format.h>

#include <fstream>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/class_names.h"

namespace saccade {
namespace {

constexpr std::size_t most_images = 200'000, side = 96, channels = 3, plane = side * side,
                      image_bytes = plane * channels, classes = 10;

ImageSet empty_set(std::vector<std::string> names) {
  return {"stl10", static_cast<int>(side), static_cast<int>(side), static_cast<int>(channels), std::move(names), {},
          {}};
}

/// One name a line; a missing file is none.
std::vector<std::string> class_names(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return stl10_classes();
  std::ifstream in(file);
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  if (names.size() != classes)
    throw InputError(fmt::format("{}: {} names, expected {}, one a line; remove the file to use the built-in ones",
                                 file.string(), names.size(), classes));
  return names;
}

std::vector<std::int32_t> read_labels(const std::filesystem::path& file, std::size_t images) {
  const auto source = open_plain(file);
  const std::uint64_t found = source->size().value();
  if (found != images)
    throw InputError(
        fmt::format("{}: {}: found {} bytes, expected {}, a label for each image of the file beside it; "
                    "download it again",
                    file.string(), found < images ? "truncated" : "too long", found, images));
  std::vector<std::uint8_t> bytes(images);
  if (source->read(bytes.data(), images) != images)
    throw InputError(fmt::format("{}: truncated: the file shrank while it was read", file.string()));
  std::vector<std::int32_t> labels;
  for (std::size_t n = 0; n < images; ++n) {
    if (bytes[n] < 1 || bytes[n] > classes)
      throw InputError(fmt::format("{}: label {} of image {}, expected 1 to {}; damaged: download it again",
                                   file.string(), bytes[n], n, classes));
    labels.push_back(bytes[n] - 1);
  }
  return labels;
}

ImageSet labelled(const std::filesystem::path& place, const std::string& part, std::vector<std::string> names) {
  ImageSet images = read_stl10_images(place / (part + "_X.bin"), 0);
  images.labels = read_labels(place / (part + "_y.bin"), images.size());
  images.classes = std::move(names);
  return images;
}

}  // namespace

ImageSet read_stl10_images(const std::filesystem::path& file, std::size_t wanted) {
  const auto source = open_plain(file);
  const std::uint64_t found = source->size().value(), available = found / image_bytes;
  if (found % image_bytes != 0 || available == 0)
    throw InputError(
        fmt::format("{}: truncated or damaged: found {} bytes, expected a multiple of {} (an image); "
                    "{} whole images and {} bytes; download it again",
                    file.string(), found, image_bytes, available, found % image_bytes));
  if (wanted > available)
    throw InputError(fmt::format("images = {}: {} has {} images; ask for at most so many, or 0 for all", wanted,
                                 file.string(), available));
  if (wanted == 0) wanted = available;
  if (wanted > most_images)
    throw InputError(fmt::format("{}: {} images, expected at most {} (STL-10 has 100,000); ask for fewer by images",
                                 file.string(), wanted, most_images));
  ImageSet images = empty_set({});
  images.pixels.resize(wanted * image_bytes);
  std::vector<std::uint8_t> record(image_bytes);
  for (std::size_t n = 0; n < wanted; ++n) {
    if (source->read(record.data(), image_bytes) != image_bytes)
      throw InputError(fmt::format("{}: truncated at image {}: the file shrank while it was read", file.string(), n));
    std::uint8_t* to = images.pixels.data() + n * image_bytes;
    for (std::size_t row = 0; row < side; ++row)
      for (std::size_t column = 0; column < side; ++column)
        for (std::size_t c = 0; c < channels; ++c) *to++ = record[c * plane + column * side + row];
  }
  return images;
}

DataSet load_stl10_labelled(const std::filesystem::path& folder) {
  const auto place = folder / "stl10_binary";
  if (!std::filesystem::is_directory(place))
    throw InputError(
        fmt::format("{}: no such folder; expected the unpacked binary version of STL-10, choose the folder that holds "
                    "it by --data DIR or SACCADE_DATA; saccade fetch downloads it",
                    place.string()));
  const std::vector<std::string> names = class_names(place / "class_names.txt");
  DataSet data;
  data.train = labelled(place, "train", names);
  data.test = labelled(place, "test", names);
  return data;
}

DataSet load_stl10(const std::filesystem::path& folder, std::size_t images) {
  DataSet data = load_stl10_labelled(folder);
  data.unlabelled = read_stl10_images(folder / "stl10_binary" / "unlabeled_X.bin", images);
  return data;
}

}  // namespace saccade
