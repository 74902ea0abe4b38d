#include "streams/idx.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/error.h"
#include "files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr std::uint32_t side = 28;

struct Folder {
  TemporaryFolder temporary;
  std::filesystem::path path = temporary.path;

  void write(const std::string& name, const Bytes& bytes) const { write_file(path / name, bytes); }
  std::string error(std::size_t images = 0) const {
    return message_of<InputError>([&] { load_idx_set(mnist_set(), path, images); });
  }
  /// Three training and two test images, right in every way.
  Folder() {
    write("train-images-idx3-ubyte", idx({3, side, side}, noise(3 * side * side, 1)));
    write("train-labels-idx1-ubyte", idx({3}, {9, 0, 4}));
    write("t10k-images-idx3-ubyte", idx({2, side, side}, noise(2 * side * side, 2)));
    write("t10k-labels-idx1-ubyte", idx({2}, {1, 2}));
  }
  /// Replaces a file by its compressed form.
  void compress(const std::string& name, const Bytes& bytes) const {
    std::filesystem::remove(path / name);
    write(name + ".gz", bytes);
  }
};

const std::string train_images = "train-images-idx3-ubyte", train_labels = "train-labels-idx1-ubyte";

}  // namespace

TEST_CASE("IDX files are read plain and compressed, whole and in part") {
  Folder folder;
  const DataSet plain = load_idx_set(mnist_set(), folder.path, 0);
  CHECK(plain.train.labels == std::vector<std::int32_t>{9, 0, 4});
  CHECK(plain.train.pixels == noise(3 * side * side, 1));
  CHECK(plain.test.pixels == noise(2 * side * side, 2));
  CHECK((plain.train.height == 28 && plain.train.width == 28 && plain.train.channels == 1));
  folder.compress(train_images, gzip(idx({3, side, side}, noise(3 * side * side, 1))));
  folder.compress(train_labels, gzip(idx({3}, {9, 0, 4})));
  const DataSet compressed = load_idx_set(mnist_set(), folder.path, 0);
  CHECK(compressed.train.pixels == plain.train.pixels);
  CHECK(compressed.train.labels == plain.train.labels);
  const DataSet part = load_idx_set(mnist_set(), folder.path, 2);
  CHECK(part.train.labels == std::vector<std::int32_t>{9, 0});
  CHECK(part.train.pixels == Bytes(plain.train.pixels.begin(), plain.train.pixels.begin() + 2 * side * side));
  CHECK(part.test.size() == 2);
  CHECK(says(folder.error(4), {"images = 4", "3 training images"}));
}

TEST_CASE("a gzip file of several members is read as one") {
  Folder folder;
  const Bytes whole = idx({3, side, side}, noise(3 * side * side, 1));
  Bytes members = gzip(Bytes(whole.begin(), whole.begin() + 1000));
  const Bytes rest = gzip(Bytes(whole.begin() + 1000, whole.end()));
  members.insert(members.end(), rest.begin(), rest.end());
  folder.compress(train_images, members);
  CHECK(load_idx_set(mnist_set(), folder.path, 0).train.pixels == noise(3 * side * side, 1));
}

TEST_CASE("EMNIST letters are turned upright and labels start at 0") {
  TemporaryFolder folder;
  Bytes image(side * side, 0);
  image[2 * side + 5] = 200;  // official files store (row, column) = (column, row)
  image[7 * side] = 100;
  for (const std::string part : {"train", "test"}) {
    write_file(folder.path / ("emnist-letters-" + part + "-images-idx3-ubyte"), idx({1, side, side}, image));
    write_file(folder.path / ("emnist-letters-" + part + "-labels-idx1-ubyte"), idx({1}, {26}));
  }
  const DataSet data = load_idx_set(emnist_letters_set(), folder.path, 0);
  CHECK(data.train.labels[0] == 25);
  CHECK(data.train.classes[25] == "Z");
  for (const ImageSet* set : {&data.train, &data.test}) {
    CHECK(set->image(0)[5 * side + 2] == 200);
    CHECK(set->image(0)[7] == 100);
    CHECK(set->image(0)[2 * side + 5] == 0);
  }
  for (const std::uint8_t label : Bytes{0, 27}) {
    write_file(folder.path / "emnist-letters-train-labels-idx1-ubyte", idx({1}, {label}));
    CHECK(says(message_of<InputError>([&] { load_idx_set(emnist_letters_set(), folder.path, 0); }),
               {"emnist-letters-train-labels", "label " + std::to_string(label), "byte 8", "1 to 26"}));
  }
}

TEST_CASE("IDX: a missing folder or file is named") {
  Folder folder;
  CHECK(says(message_of<InputError>([&] { load_idx_set(mnist_set(), folder.path / "none", 0); }),
             {"none", "no such folder", "mnist", "--data"}));
  std::filesystem::remove(folder.path / train_labels);
  CHECK(says(folder.error(), {train_labels, "no such file", ".gz"}));
}

TEST_CASE("IDX: a truncated file, at every length") {
  Folder folder;
  const Bytes whole = idx({3}, {9, 0, 4});
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    folder.write(train_labels, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK(says(folder.error(), {train_labels, "truncated", "found " + std::to_string(length) + " bytes"}));
  }
}

TEST_CASE("IDX: bytes after the data") {
  Folder folder;
  folder.write(train_labels, idx({3}, {9, 0, 4, 4}));
  CHECK(says(folder.error(), {train_labels, "bytes after the data", "found 12", "expected 11"}));
}

TEST_CASE("IDX: a wrong magic number") {
  Folder folder;
  folder.write(train_labels, idx({3, side, side}, noise(3 * side * side, 1)));
  CHECK(says(folder.error(), {train_labels, "0x00000803", "byte 0", "expected 0x00000801"}));
}

TEST_CASE("IDX: a huge count is refused before anything is allocated") {
  Folder folder;
  folder.write(train_images, idx({0xffffffff, side, side}, {1, 2, 3}));
  CHECK(says(folder.error(), {train_images, "dimension 0", "byte 4", "4294967295"}));
  folder.write(train_images, idx({3, 0xffffffff, 0xffffffff}, {1, 2, 3}));
  CHECK(says(folder.error(), {train_images, "byte 8", "4294967295"}));
  folder.compress(train_images, gzip(idx({0xffffffff, side, side}, {1, 2, 3})));
  CHECK(says(folder.error(), {train_images, "byte 4", "4294967295"}));
}

TEST_CASE("IDX: an empty dimension") {
  Folder folder;
  folder.write(train_labels, idx({0}, {}));
  CHECK(says(folder.error(), {train_labels, "dimension 0", "byte 4", "is 0"}));
}

TEST_CASE("IDX: numbers of labels and images differ, or the size is not 28x28") {
  Folder folder;
  folder.write(train_images, idx({4, side, side}, noise(4 * side * side, 1)));
  CHECK(says(folder.error(), {train_images, "4 images of 28x28", "expected 3"}));
  folder.write(train_images, idx({3, side, 27}, noise(3 * side * 27, 1)));
  CHECK(says(folder.error(), {train_images, "28x27", "28x28"}));
}

TEST_CASE("IDX: a label out of range is located") {
  Folder folder;
  folder.write(train_labels, idx({3}, {9, 10, 4}));
  CHECK(says(folder.error(), {train_labels, "label 10", "image 1", "byte 9", "0 to 9"}));
}

TEST_CASE("gzip: cut at any byte is an error") {
  Folder folder;
  const Bytes whole = gzip(idx({3}, {9, 0, 4}));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    folder.compress(train_labels, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK(says(folder.error(), {train_labels + ".gz", "truncated", "byte " + std::to_string(length)}));
  }
}

TEST_CASE("gzip: a flipped bit is an error, wherever the format has a check") {
  Folder folder;
  const Bytes whole = gzip(idx({3, side, side}, noise(3 * side * side, 1)));
  const DataSet good = load_idx_set(mnist_set(), folder.path, 0);
  for (std::size_t position = 0; position < whole.size(); ++position) {
    // Modification time, extra flags and operating system of the gzip header carry no meaning for the data.
    if (position >= 4 && position < 10) continue;
    Bytes bad = whole;
    bad[position] ^= static_cast<std::uint8_t>(1u << position % 8);
    folder.compress(train_images, bad);
    const std::string error = folder.error();
    // Bit 0 of the flags ("is text") changes nothing either.
    if (error.empty() && position == 3) continue;
    CAPTURE(position);
    REQUIRE(says(error, {train_images + ".gz"}));
  }
}

TEST_CASE("gzip: garbage after the data and a bomb") {
  Folder folder;
  const Bytes labels = idx({3}, {9, 0, 4});
  Bytes garbage = gzip(labels);
  garbage.insert(garbage.end(), {1, 2, 3, 4});
  folder.compress(train_labels, garbage);
  CHECK(says(folder.error(), {train_labels + ".gz", "damaged gzip data"}));
  Bytes bomb = labels;
  bomb.resize(std::size_t{1} << 26);
  folder.compress(train_labels, gzip(bomb));
  CHECK(says(folder.error(), {train_labels + ".gz", "bytes after the data", "byte 11"}));
  // A header that promises more than a compressed file of this size can hold.
  folder.compress(train_labels, gzip(idx({2'000'000'000}, {9, 0, 4})));
  CHECK(says(folder.error(), {train_labels + ".gz", "truncated", "byte 11", "2000000008"}));
  folder.compress(train_labels, labels);
  CHECK(says(folder.error(), {train_labels + ".gz", "damaged gzip data", "header"}));
}
