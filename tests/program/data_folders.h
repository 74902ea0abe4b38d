#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "streams/files.h"

/// Data sets of a size that tests can make.
namespace saccade::program {

/// A file of CIFAR-10 in its official size: `records` are written, the rest is a hole, which reads as black images of
/// class 0 and takes no room on the disk.
inline void write_cifar10_file(const std::filesystem::path& file, const test::Bytes& records,
                               std::uintmax_t bytes = 30'730'000) {
  test::write_file(file, records);
  std::filesystem::resize_file(file, bytes);
}

/// data_batch_1.bin and test_batch.bin: enough for `images` up to 10,000.
inline void make_cifar10(const std::filesystem::path& folder) {
  constexpr std::size_t record = 3073, count = 300;
  for (const std::string name : {"data_batch_1.bin", "test_batch.bin"}) {
    test::Bytes bytes = test::noise(record * count, name == "test_batch.bin" ? 2 : 1);
    for (std::size_t i = 0; i < count; ++i) bytes[i * record] = static_cast<std::uint8_t>(i % 10);
    write_cifar10_file(folder / "cifar-10-batches-bin" / name, bytes);
  }
}

/// The four files of Fashion-MNIST, uncompressed; a blob per image whose place depends on the class.
inline void make_fashion_mnist(const std::filesystem::path& folder, std::uint32_t train, std::uint32_t tests) {
  std::uint32_t seed = 1;
  for (const auto& [prefix, images] : {std::pair{"train", train}, std::pair{"t10k", tests}}) {
    test::Bytes pixels = test::noise(std::size_t{images} * 784, seed++), labels(images);
    for (std::uint32_t i = 0; i < images; ++i) {
      labels[i] = static_cast<std::uint8_t>(i % 10);
      for (std::uint32_t p = 0; p < 784; ++p) {
        auto& pixel = pixels[std::size_t{i} * 784 + p];
        pixel = static_cast<std::uint8_t>(p / 28 / 3 == labels[i] ? 255 - pixel / 4 : pixel / 8);
      }
    }
    const std::string name = prefix;
    test::write_file(folder / "fashion-mnist" / (name + "-images-idx3-ubyte"), test::idx({images, 28, 28}, pixels));
    test::write_file(folder / "fashion-mnist" / (name + "-labels-idx1-ubyte"), test::idx({images}, labels));
  }
}

/// The binary files of STL-10 in pictures of noise; labels 1 to 10 in turn.
inline void make_stl10(const std::filesystem::path& folder, std::size_t train, std::size_t tests,
                       std::size_t unlabelled) {
  constexpr std::size_t image = 3 * 96 * 96;
  std::uint32_t seed = 1;
  for (const auto& [prefix, images] : {std::pair{"train", train}, std::pair{"test", tests}}) {
    const std::string name = prefix;
    test::Bytes labels(images);
    for (std::size_t i = 0; i < images; ++i) labels[i] = static_cast<std::uint8_t>(1 + i % 10);
    test::write_file(folder / "stl10_binary" / (name + "_X.bin"), test::noise(image * images, seed++));
    test::write_file(folder / "stl10_binary" / (name + "_y.bin"), labels);
  }
  test::write_file(folder / "stl10_binary" / "unlabeled_X.bin", test::noise(image * unlabelled, seed));
}

}  // namespace saccade::program
