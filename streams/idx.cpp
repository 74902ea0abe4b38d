#include "streams/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/class_names.h"

namespace saccade {
namespace {

constexpr std::uint32_t side = 28;

std::filesystem::path existing_variant(const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) return file;
  auto compressed = file;
  compressed += ".gz";
  if (std::filesystem::exists(compressed)) return compressed;
  throw InputError(fmt::format("{}: no such file, nor {}; expected one of them from the data set's official download",
                               file.string(), compressed.filename().string()));
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

std::vector<std::uint32_t> read_header(ByteSource& source, const std::string& name, std::size_t dimensions) {
  std::array<std::uint8_t, 4 * 4> header{};
  const std::size_t bytes = 4 * (1 + dimensions);
  const std::size_t got = source.read(header.data(), bytes);
  const std::uint32_t expected = 0x0800 | static_cast<std::uint32_t>(dimensions);
  if (got >= 4 && big_endian(header.data()) != expected) {
    throw InputError(
        fmt::format("{}: magic number {:#010x} at byte 0, expected {:#010x} (IDX, unsigned bytes, {} "
                    "dimension{}); is it another file under this name?",
                    name, big_endian(header.data()), expected, dimensions, dimensions == 1 ? "" : "s"));
  }
  if (got < bytes) {
    throw InputError(fmt::format("{}: truncated: found {} bytes, expected an IDX header of {}; download it again", name,
                                 got, bytes));
  }
  std::vector<std::uint32_t> shape(dimensions);
  for (std::size_t d = 0; d < dimensions; ++d) shape[d] = big_endian(&header[4 * (1 + d)]);
  return shape;
}

/// Bytes after the header that this shape stands for, refused if there are none or far too many.
std::uint64_t checked_size(const std::vector<std::uint32_t>& shape, const std::string& name) {
  std::uint64_t bytes = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::size_t position = 4 * (1 + d);
    if (shape[d] == 0)
      throw InputError(fmt::format("{}: dimension {} (byte {}) is 0, expected data", name, d, position));
    if (shape[d] > idx_size_limit / bytes) {
      throw InputError(
          fmt::format("{}: dimension {} (byte {}) is {}, so the file would hold more than {} bytes; the header "
                      "is damaged, download it again",
                      name, d, position, shape[d], idx_size_limit));
    }
    bytes *= shape[d];
  }
  return bytes;
}

/// Memory is touched only as data arrives: a header that promises more than the file holds costs an error message.
void read_items(ByteSource& source, const std::string& name, std::uint64_t header, std::uint64_t bytes,
                std::vector<std::uint8_t>& data) {
  constexpr std::uint64_t portion = std::uint64_t{1} << 22;
  data.reserve(std::min(bytes, source.size_limit()));
  while (data.size() < bytes) {
    const std::size_t start = data.size();
    const std::size_t ask = std::min(portion, bytes - start);
    data.resize(start + ask);
    const std::size_t got = source.read(data.data() + start, ask);
    if (got == ask) continue;
    throw InputError(fmt::format("{}: truncated: the data ends at byte {}, expected {} bytes; download it again", name,
                                 header + start + got, header + bytes));
  }
}

ImageSet read_part(const IdxSet& set, const std::filesystem::path& folder, const std::string& prefix,
                   std::size_t images) {
  const auto image_file = folder / (prefix + "-images-idx3-ubyte"),
             label_file = folder / (prefix + "-labels-idx1-ubyte");
  IdxArray labels = read_idx(label_file, 1);
  const std::size_t available = labels.shape[0];
  if (images > available) {
    throw InputError(fmt::format("images = {}: {} has {} training images; ask for at most so many, or 0 for all",
                                 images, set.name, available));
  }
  IdxArray pixels = read_idx(image_file, 3, images == 0 ? every_item : images);
  if (pixels.shape != std::vector<std::uint32_t>{labels.shape[0], side, side}) {
    throw InputError(fmt::format("{}: {} images of {}x{} pixels, expected {} (the number of labels beside it) of {}x{}",
                                 image_file.string(), pixels.shape[0], pixels.shape[1], pixels.shape[2],
                                 labels.shape[0], side, side));
  }
  const int classes = static_cast<int>(set.classes.size());
  ImageSet part{set.name, side, side, 1, set.classes, std::move(pixels.data), {}};
  part.labels.reserve(available);
  for (std::size_t n = 0; n < available; ++n) {
    const int label = labels.data[n] - set.first_label;
    if (label < 0 || label >= classes) {
      throw InputError(
          fmt::format("{}: label {} of image {} (byte {}), expected {} to {}; not a file of this data set, or "
                      "damaged: download it again",
                      label_file.string(), labels.data[n], n, 8 + n, set.first_label, set.first_label + classes - 1));
    }
    part.labels.push_back(label);
  }
  if (images != 0) part.labels.resize(images);
  if (set.transposed) {
    for (std::size_t n = 0; n < part.size(); ++n) {
      std::uint8_t* image = part.pixels.data() + n * part.image_bytes();
      for (std::size_t row = 0; row < side; ++row) {
        for (std::size_t column = 0; column < row; ++column) {
          std::swap(image[row * side + column], image[column * side + row]);
        }
      }
    }
  }
  return part;
}

}  // namespace

IdxArray read_idx(const std::filesystem::path& file, std::size_t dimensions, std::size_t wanted) {
  if (dimensions < 1 || dimensions > 3) throw std::invalid_argument("read_idx: 1 to 3 dimensions");
  const auto found = existing_variant(file);
  const auto source = found == file ? open_plain(found) : open_gzip(found);
  IdxArray array{read_header(*source, found.string(), dimensions), {}};
  const std::uint64_t header = 4 * (1 + dimensions), bytes = checked_size(array.shape, found.string());
  if (source->size() && *source->size() != header + bytes) {
    throw InputError(fmt::format(
        "{}: {}: found {} bytes, expected {} as its header says; download it again", found.string(),
        *source->size() < header + bytes ? "truncated" : "bytes after the data", *source->size(), header + bytes));
  }
  const std::uint64_t items = std::min<std::uint64_t>(wanted, array.shape[0]);
  read_items(*source, found.string(), header, bytes / array.shape[0] * items, array.data);
  std::uint8_t surplus = 0;
  if (items == array.shape[0] && source->read(&surplus, 1) != 0) {
    throw InputError(
        fmt::format("{}: bytes after the data: expected the end at byte {} as its header says; download it "
                    "again",
                    found.string(), header + bytes));
  }
  return array;
}

DataSet load_idx_set(const IdxSet& set, const std::filesystem::path& folder, std::size_t images) {
  if (!std::filesystem::is_directory(folder)) {
    throw InputError(
        fmt::format("{}: no such folder; expected the IDX files of {}, choose the folder that holds it by "
                    "--data DIR or SACCADE_DATA; saccade fetch downloads them",
                    folder.string(), set.name));
  }
  return {read_part(set, folder, set.train_prefix, images), read_part(set, folder, set.test_prefix, 0)};
}

IdxSet mnist_set() { return {"mnist", "train", "t10k", digit_classes(), 0, false}; }

IdxSet emnist_letters_set() {
  return {"emnist-letters", "emnist-letters-train", "emnist-letters-test", letter_classes(), 1, true};
}

IdxSet fashion_mnist_set() { return {"fashion-mnist", "train", "t10k", fashion_classes(), 0, false}; }

}  // namespace saccade
