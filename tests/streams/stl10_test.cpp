#include "streams/stl10.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "files.h"
#include "streams/class_names.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "streams/load.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr std::size_t image_bytes = 27648;

/// What a pixel of image n must be after reading; different along every axis.
std::uint8_t value(std::size_t n, std::size_t row, std::size_t column, std::size_t c) {
  return static_cast<std::uint8_t>(100 * n + 2 * row + column + 50 * c);
}

/// Images as the file has them: planes of columns of rows.
Bytes image_file(std::size_t images) {
  Bytes bytes;
  for (std::size_t n = 0; n < images; ++n)
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t column = 0; column < 96; ++column)
        for (std::size_t row = 0; row < 96; ++row) bytes.push_back(value(n, row, column, c));
  return bytes;
}

/// Three labelled training images, two for testing, four without labels.
struct Folder {
  TemporaryFolder folder;
  std::filesystem::path place = folder.path / "stl10_binary";
  Folder() {
    write_file(place / "train_X.bin", image_file(3));
    write_file(place / "train_y.bin", {10, 1, 7});
    write_file(place / "test_X.bin", image_file(2));
    write_file(place / "test_y.bin", {2, 3});
    write_file(place / "unlabeled_X.bin", image_file(4));
  }
  DataSet load(std::size_t images = 0) const { return load_stl10(folder.path, images); }
  std::string error(std::size_t images = 0) const {
    return message_of<InputError>([&] { load(images); });
  }
};

}  // namespace

TEST_CASE("STL-10: columns become rows, planes are interleaved, labels start at 0") {
  const Folder folder;
  const DataSet data = folder.load();
  for (const ImageSet* images : {&data.train, &data.test, &data.unlabelled}) {
    CHECK((images->height == 96 && images->width == 96 && images->channels == 3));
    for (std::size_t n = 0; n < images->size(); ++n)
      for (std::size_t row = 0; row < 96; ++row)
        for (std::size_t column = 0; column < 96; ++column)
          for (std::size_t c = 0; c < 3; ++c)
            REQUIRE(images->image(n)[(row * 96 + column) * 3 + c] == value(n, row, column, c));
  }
  CHECK(data.train.labels == std::vector<std::int32_t>{9, 0, 6});
  CHECK(data.test.labels == std::vector<std::int32_t>{1, 2});
  CHECK(data.train.classes == stl10_classes());
  CHECK(data.unlabelled.labels.empty());
  CHECK(data.unlabelled.size() == 4);
  CHECK(&data.encoder_images() == &data.unlabelled);
  CHECK(load_data("stl10", folder.folder.path, 2).unlabelled.pixels ==
        Bytes(data.unlabelled.pixels.begin(), data.unlabelled.pixels.begin() + 2 * image_bytes));
}

TEST_CASE("STL-10: a probe needs the labelled images alone") {
  const Folder folder;
  std::filesystem::remove(folder.place / "unlabeled_X.bin");
  const DataSet data = load_labelled("stl10", folder.folder.path);
  CHECK(data.train.size() == 3);
  CHECK(data.unlabelled.size() == 0);
  CHECK(&data.encoder_images() == &data.train);
}

TEST_CASE("STL-10: names of the classes come from the file where there is one") {
  const Folder folder;
  const std::string names = "a\nb\r\nc\nd\ne\nf\ng\nh\ni\nj j\n";
  write_file(folder.place / "class_names.txt", {names.begin(), names.end()});
  CHECK(folder.load().test.classes[1] == "b");
  CHECK(folder.load().train.classes[9] == "j j");
  write_file(folder.place / "class_names.txt", {'a', '\n'});
  CHECK(says(folder.error(), {"class_names.txt", "1 names", "expected 10"}));
}

TEST_CASE("STL-10: damaged files are refused") {
  const Folder folder;
  CHECK(says(folder.error(5), {"images = 5", "unlabeled_X.bin", "4 images", "at most"}));
  for (const std::size_t bytes : {4 * image_bytes - 1, 3 * image_bytes + 1, std::size_t{1}, std::size_t{0}}) {
    std::filesystem::resize_file(folder.place / "unlabeled_X.bin", bytes);
    CHECK(says(folder.error(), {"unlabeled_X.bin", std::to_string(bytes), "27648"}));
  }
  // A hole on the disk; in memory it would be 5.5 GB.
  std::filesystem::resize_file(folder.place / "unlabeled_X.bin", 200'001 * image_bytes);
  CHECK(says(folder.error(), {"unlabeled_X.bin", "200001 images", "at most 200000"}));
  std::filesystem::remove(folder.place / "unlabeled_X.bin");
  CHECK(says(folder.error(), {"unlabeled_X.bin", "no such file"}));
}

TEST_CASE("STL-10: labels that do not fit their images are refused") {
  const Folder folder;
  write_file(folder.place / "train_y.bin", {10, 1});
  CHECK(says(folder.error(), {"train_y.bin", "truncated", "found 2", "expected 3"}));
  write_file(folder.place / "train_y.bin", {10, 1, 1, 1});
  CHECK(says(folder.error(), {"train_y.bin", "too long", "found 4", "expected 3"}));
  for (const std::uint8_t label : {std::uint8_t{0}, std::uint8_t{11}}) {
    write_file(folder.place / "train_y.bin", {10, label, 1});
    CHECK(says(folder.error(), {"train_y.bin", "label " + std::to_string(label), "image 1", "1 to 10"}));
  }
  TemporaryFolder none;
  CHECK(says(message_of<InputError>([&] { load_stl10(none.path, 0); }), {"stl10_binary", "no such folder", "--data"}));
}

TEST_CASE("a stream of images without labels has no order by class") {
  const Folder folder;
  const DataSet data = folder.load();
  StreamOptions options;
  const auto source = std::make_shared<DeformedImages>(data.unlabelled, ViewKind::crop_jitter, 1);
  FixationStream stream(source, options);
  const auto first = stream.next();
  REQUIRE(first);
  CHECK(std::get<View>(first->event).pixels->size() == 64 * 64 * 3);
  options.order = ObjectOrder::blocked;
  CHECK(says(message_of<InputError>([&] { FixationStream(source, options); }), {"stl10", "no labels"}));
}
