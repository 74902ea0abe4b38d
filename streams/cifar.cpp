#include "streams/cifar.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/class_names.h"

namespace saccade {
namespace {

constexpr std::size_t side = 32, plane = side * side, channels = 3;

ImageSet empty_set(const std::string& name, std::vector<std::string> classes) {
  return {name, static_cast<int>(side), static_cast<int>(side), static_cast<int>(channels), std::move(classes), {}, {}};
}

void require_folder(const std::filesystem::path& folder, const char* what) {
  if (std::filesystem::is_directory(folder)) return;
  throw InputError(
      fmt::format("{}: no such folder; expected the unpacked {}, choose the folder that holds it by --data DIR "
                  "or SACCADE_DATA; saccade fetch downloads it",
                  folder.string(), what));
}

std::size_t how_many(const std::string& name, std::size_t images, std::size_t available) {
  if (images > available) {
    throw InputError(fmt::format("images = {}: {} has {} training images; ask for at most so many, or 0 for all",
                                 images, name, available));
  }
  return images == 0 ? available : images;
}

}  // namespace

void append_cifar(const std::filesystem::path& file, const CifarFile& layout, std::size_t wanted, ImageSet& images) {
  const auto source = open_plain(file);
  const std::size_t record_bytes = layout.label_bytes + plane * channels;
  const std::uint64_t expected = static_cast<std::uint64_t>(layout.records) * record_bytes;
  const std::uint64_t found = source->size().value();
  if (found != expected) {
    throw InputError(fmt::format("{}: {}: found {} bytes, expected {} ({} records of {} bytes); download it again",
                                 file.string(), found < expected ? "truncated" : "too long", found, expected,
                                 layout.records, record_bytes));
  }
  wanted = std::min(wanted, layout.records);
  images.pixels.reserve(images.pixels.size() + wanted * plane * channels);
  images.labels.reserve(images.labels.size() + wanted);
  std::vector<std::uint8_t> record(record_bytes);
  for (std::size_t n = 0; n < wanted; ++n) {
    if (source->read(record.data(), record_bytes) != record_bytes) {
      throw InputError(fmt::format("{}: truncated at record {}: the file shrank while it was read", file.string(), n));
    }
    const int label = record[layout.label_bytes - 1];
    if (label >= layout.classes) {
      throw InputError(
          fmt::format("{}: label {} of record {} (byte {}), expected 0 to {}; not a file of this data set, "
                      "or damaged: download it again",
                      file.string(), label, n, n * record_bytes + layout.label_bytes - 1, layout.classes - 1));
    }
    images.labels.push_back(label);
    const std::size_t start = images.pixels.size();
    images.pixels.resize(start + plane * channels);
    std::uint8_t* to = images.pixels.data() + start;
    const std::uint8_t* from = record.data() + layout.label_bytes;
    for (std::size_t p = 0; p < plane; ++p) {
      for (std::size_t c = 0; c < channels; ++c) to[p * channels + c] = from[c * plane + p];
    }
  }
}

DataSet load_cifar10(const std::filesystem::path& folder, std::size_t images) {
  const CifarFile layout{10'000, 1, 10};
  constexpr std::size_t batches = 5;
  const auto place = folder / "cifar-10-batches-bin";
  require_folder(place, "binary version of CIFAR-10");
  const std::size_t wanted = how_many("cifar10", images, batches * layout.records);
  DataSet data{empty_set("cifar10", cifar10_classes()), empty_set("cifar10", cifar10_classes())};
  data.train.pixels.reserve(wanted * plane * channels);
  for (std::size_t batch = 1; data.train.size() < wanted; ++batch) {
    append_cifar(place / fmt::format("data_batch_{}.bin", batch), layout, wanted - data.train.size(), data.train);
  }
  append_cifar(place / "test_batch.bin", layout, layout.records, data.test);
  return data;
}

DataSet load_cifar100(const std::filesystem::path& folder, std::size_t images) {
  const CifarFile train{50'000, 2, 100}, test{10'000, 2, 100};
  const auto place = folder / "cifar-100-binary";
  require_folder(place, "binary version of CIFAR-100");
  DataSet data{empty_set("cifar100", cifar100_classes()), empty_set("cifar100", cifar100_classes())};
  append_cifar(place / "train.bin", train, how_many("cifar100", images, train.records), data.train);
  append_cifar(place / "test.bin", test, test.records, data.test);
  return data;
}

}  // namespace saccade
