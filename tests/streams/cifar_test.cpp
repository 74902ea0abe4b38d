#include "streams/cifar.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "files.h"
#include "streams/class_names.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr std::size_t record_bytes = 3073;

/// A file of the right size made of zeros but for given records; sparse, so it costs no disk.
void write_sparse(const std::filesystem::path& file, std::size_t size, const Bytes& head) {
  write_file(file, head);
  std::filesystem::resize_file(file, size);
}

Bytes record(std::vector<std::uint8_t> labels, std::uint32_t seed) {
  const Bytes pixels = noise(3072, seed);
  Bytes bytes(labels.begin(), labels.end());
  bytes.insert(bytes.end(), pixels.begin(), pixels.end());
  return bytes;
}

std::string load_error(const std::filesystem::path& folder, std::size_t images = 1) {
  return message_of<InputError>([&] { load_cifar10(folder, images); });
}

}  // namespace

TEST_CASE("CIFAR planes are interleaved and labels kept") {
  TemporaryFolder folder;
  Bytes file = record({3}, 1);
  const Bytes second = record({9}, 2);
  file.insert(file.end(), second.begin(), second.end());
  write_file(folder.path / "two.bin", file);
  ImageSet images{"x", 32, 32, 3, cifar10_classes(), {}, {}};
  append_cifar(folder.path / "two.bin", {2, 1, 10}, 5, images);
  REQUIRE(images.labels == std::vector<std::int32_t>{3, 9});
  REQUIRE(images.pixels.size() == 2 * 3072);
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t p = 0; p < 1024; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        REQUIRE(images.image(n)[3 * p + c] == file[n * record_bytes + 1 + c * 1024 + p]);
      }
    }
  }
}

TEST_CASE("CIFAR-10 in the official layout; batches that are not needed need not exist") {
  TemporaryFolder folder;
  const auto place = folder.path / "cifar-10-batches-bin";
  write_sparse(place / "data_batch_1.bin", 10'000 * record_bytes, record({7}, 1));
  write_sparse(place / "data_batch_2.bin", 10'000 * record_bytes, record({8}, 2));
  write_sparse(place / "test_batch.bin", 10'000 * record_bytes, record({9}, 3));
  const DataSet few = load_cifar10(folder.path, 3);
  CHECK(few.train.labels == std::vector<std::int32_t>{7, 0, 0});
  CHECK(few.train.pixels.size() == 3 * 3072);
  CHECK(few.test.size() == 10'000);
  CHECK(few.test.labels[0] == 9);
  CHECK(few.train.classes[9] == "truck");
  const DataSet more = load_cifar10(folder.path, 10'001);
  CHECK(more.train.size() == 10'001);
  CHECK(more.train.labels.back() == 8);
  CHECK(says(load_error(folder.path, 20'001), {"data_batch_3.bin", "no such file"}));
  CHECK(says(load_error(folder.path, 50'001), {"50001", "50000", "at most"}));
}

TEST_CASE("CIFAR-100 takes the fine label") {
  TemporaryFolder folder;
  const auto place = folder.path / "cifar-100-binary";
  write_sparse(place / "train.bin", 50'000 * 3074, record({11, 99}, 1));
  write_sparse(place / "test.bin", 10'000 * 3074, record({5, 42}, 2));
  const DataSet data = load_cifar100(folder.path, 2);
  CHECK(data.train.labels == std::vector<std::int32_t>{99, 0});
  CHECK(data.test.labels[0] == 42);
  REQUIRE(data.train.classes.size() == 100);
  CHECK(data.train.classes[99] == "worm");
  CHECK(data.train.image(0)[1] == noise(3072, 1)[1024]);
  write_sparse(place / "train.bin", 50'000 * 3074, record({11, 100}, 1));
  CHECK(says(message_of<InputError>([&] { load_cifar100(folder.path, 2); }),
             {"train.bin", "label 100", "record 0", "byte 1", "0 to 99"}));
}

TEST_CASE("CIFAR: a missing folder says what to do") {
  TemporaryFolder folder;
  CHECK(says(load_error(folder.path), {"cifar-10-batches-bin", "no such folder", "--data"}));
  CHECK(says(message_of<InputError>([&] { load_cifar100(folder.path, 0); }), {"cifar-100-binary", "no such folder"}));
}

TEST_CASE("CIFAR: a missing file is named") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder.path / "cifar-10-batches-bin");
  CHECK(says(load_error(folder.path), {"data_batch_1.bin", "no such file"}));
}

TEST_CASE("CIFAR: a folder in the place of a file is refused") {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder.path / "cifar-10-batches-bin" / "data_batch_1.bin");
  CHECK(says(load_error(folder.path), {"data_batch_1.bin", "not a regular file"}));
}

TEST_CASE("CIFAR: sizes are checked before reading") {
  TemporaryFolder folder;
  const auto file = folder.path / "cifar-10-batches-bin" / "data_batch_1.bin";
  write_sparse(file, 30'729'999, record({0}, 1));
  CHECK(says(load_error(folder.path), {"data_batch_1.bin", "truncated", "30729999", "30730000"}));
  write_sparse(file, 30'730'001, record({0}, 1));
  CHECK(says(load_error(folder.path), {"data_batch_1.bin", "too long", "30730001", "30730000"}));
  write_file(file, {});
  CHECK(says(load_error(folder.path), {"truncated", "found 0 bytes"}));
}

TEST_CASE("CIFAR: a label out of range is located") {
  TemporaryFolder folder;
  Bytes head = record({1}, 1);
  const Bytes bad = record({10}, 2);
  head.insert(head.end(), bad.begin(), bad.end());
  write_sparse(folder.path / "cifar-10-batches-bin" / "data_batch_1.bin", 10'000 * record_bytes, head);
  CHECK(says(load_error(folder.path, 2), {"data_batch_1.bin", "label 10", "record 1", "byte 3073", "0 to 9"}));
}
