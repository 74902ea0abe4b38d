#include "streams/image_folder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/error.h"
#include "image_files.h"
#include "streams/image_file.h"
#include "streams/load.h"

using namespace saccade;
using namespace saccade::test;

namespace {

namespace fs = std::filesystem;

/// A grey 2x2 PNG of one value.
Bytes flat(std::uint8_t value) { return png_file(2, 2, 1, Bytes(4, value)); }

FolderOptions small(const fs::path& path = "set") { return {.path = path, .height = 2, .width = 2, .channels = 1}; }

/// The value of each (flat) image.
Bytes values(const ImageSet& images) {
  Bytes all;
  for (std::size_t n = 0; n < images.size(); ++n) {
    CHECK(Bytes(images.image(n), images.image(n) + 4) == Bytes(4, *images.image(n)));
    all.push_back(*images.image(n));
  }
  return all;
}

struct Folder {
  TemporaryFolder temporary;
  fs::path set = temporary.path / "set";

  /// Classes b, a, c (as written), with 2, 1 and 3 training and 1, 0 and 1 test images.
  void split() const {
    std::uint8_t value = 10;
    for (const char* name : {"train/b/2.png", "train/b/1.png", "train/a/x", "train/c/10.png", "train/c/9.png",
                             "train/c/B.png", "test/b/t.png", "test/c/t.png"})
      write_file(set / name, flat(value++));
  }
  DataSet load(std::size_t images = 0, const FolderOptions& options = small(), const Decoding& decoding = {}) const {
    return load_image_folder(temporary.path, options, images, decoding);
  }
  std::string error(std::size_t images = 0, const FolderOptions& options = small(),
                    const Decoding& decoding = {}) const {
    return message_of<InputError>([&] { load(images, options, decoding); });
  }
};

}  // namespace

TEST_CASE("image folder: train and test; classes sorted, in turn") {
  const Folder folder;
  folder.split();
  write_file(folder.set / ".hidden", {1});
  write_file(folder.set / "train/.DS_Store", {1});
  write_file(folder.set / "train/a/.thumb", {1});
  const DataSet data = folder.load();
  CHECK(data.train.name == "folder set");
  CHECK(data.train.classes == std::vector<std::string>{"a", "b", "c"});
  CHECK(data.test.classes == data.train.classes);
  CHECK((data.train.height == 2 && data.train.width == 2 && data.train.channels == 1));
  CHECK(values(data.train) == Bytes{12, 11, 13, 10, 14, 15});  // a/x b/1 c/10, b/2 c/9, c/B
  CHECK(data.train.labels == std::vector<std::int32_t>{0, 1, 2, 1, 2, 2});
  CHECK(values(data.test) == Bytes{16, 17});
  CHECK(data.test.labels == std::vector<std::int32_t>{1, 2});
  CHECK(data.unlabelled.size() == 0);
  const DataSet few = folder.load(4);
  CHECK(values(few.train) == Bytes{12, 11, 13, 10});
  CHECK(few.train.labels == std::vector<std::int32_t>{0, 1, 2, 1});
  CHECK(few.test.size() == 2);
  CHECK(values(load_data("folder", "/", 2, small(folder.set)).train) == Bytes{12, 11});  // an absolute path
}

TEST_CASE("image folder: without train and test every fifth image of a class is a test image") {
  const Folder folder;
  for (int i = 0; i < 11; ++i)
    write_file(folder.set / "p" / std::to_string(10 + i), flat(static_cast<std::uint8_t>(10 + i)));
  for (int i = 0; i < 3; ++i)
    write_file(folder.set / "q" / std::to_string(i), flat(static_cast<std::uint8_t>(100 + i)));
  const DataSet data = folder.load();
  CHECK(values(data.train) == Bytes{10, 100, 11, 101, 12, 102, 13, 15, 16, 17, 18, 20});
  CHECK(values(data.test) == Bytes{14, 19});
  CHECK(data.test.labels == std::vector<std::int32_t>{0, 0});
}

TEST_CASE("image folder: unlabelled images are what an encoder learns from") {
  for (const bool split : {true, false}) {
    const Folder folder;
    if (split)
      folder.split();
    else
      for (int i = 0; i < 5; ++i) write_file(folder.set / "a" / std::to_string(i), flat(9));
    for (const std::uint8_t value : Bytes{3, 1, 2})
      write_file(folder.set / "unlabelled" / std::to_string(value), flat(value));
    const DataSet data = folder.load(2);
    CHECK(values(data.unlabelled) == Bytes{1, 2});
    CHECK(data.unlabelled.labels.empty());
    CHECK(&data.encoder_images() == &data.unlabelled);
    CHECK(data.train.size() == (split ? 6 : 4));
    CHECK(says(folder.error(4), {"images = 4", "3 images"}));
    const DataSet labelled = load_labelled("folder", folder.temporary.path, small());
    CHECK(labelled.unlabelled.size() == 0);
    CHECK(labelled.train.pixels == data.train.pixels);
    CHECK(labelled.test.pixels == data.test.pixels);
  }
}

TEST_CASE("image folder: images are decoded, converted, fitted; the same on any number of threads") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) {
    const int height = 5 + i % 7, width = 4 + i % 5;
    const Bytes pixels = noise(static_cast<std::size_t>(height * width * 3), static_cast<std::uint32_t>(i));
    write_file(folder.set / "a" / std::to_string(100 + i),
               i % 2 ? png_file(height, width, 3, pixels) : jpeg_file(height, width, 3, pixels));
  }
  FolderOptions options{.path = "set", .height = 3, .width = 6, .channels = 3};
  for (const Fit fit : {Fit::crop, Fit::stretch}) {
    options.fit = fit;
    const DataSet one = folder.load(0, options, {1});
    // The third training image of the only class, which is 102, is number 2 here.
    CHECK(Bytes(one.train.image(2), one.train.image(3)) ==
          resized(read_image(folder.set / "a" / "102", 3), 3, 6, fit).bytes);
    for (const int threads : {2, 5, 0}) {
      std::vector<std::size_t> told;
      const DataSet many = folder.load(0, options, {threads, [&](std::size_t done, std::size_t total) {
                                                      CHECK(total == 40);
                                                      told.push_back(done);
                                                    }});
      CHECK(told.size() == 40);
      CHECK(std::is_sorted(told.begin(), told.end()));
      CHECK(many.train.pixels == one.train.pixels);
      CHECK(many.test.pixels == one.test.pixels);
    }
  }
}

TEST_CASE("image folder: the first broken image is reported, on any number of threads") {
  const Folder folder;
  for (int i = 100; i < 300; ++i) write_file(folder.set / "a" / std::to_string(i), flat(1));
  for (const int i : {150, 230, 251, 252, 290}) write_file(folder.set / "a" / std::to_string(i), {'b', 'a', 'd', '!'});
  for (const int threads : {1, 2, 4, 0}) {
    for (int i = 0; i < 20; ++i)
      CHECK(says(folder.error(0, small(), {threads}), {"set/a/150: ", "62 61 64 21", "PNG or JPEG"}));
  }
  CHECK(folder.error(40).empty());  // images that are not wanted are not read
}

TEST_CASE("image folder: what does not belong is named, not skipped") {
  const Folder folder;
  const auto refused_with = [&](const char* name, const std::vector<std::string>& parts) {
    const Folder again;
    again.split();
    write_file(again.set / name, flat(1));
    CHECK(says(again.error(), parts));
  };
  CHECK(says(folder.error(), {folder.set.string(), "no such folder", "folder.path"}));
  CHECK(says(folder.error(0, small(std::string(5000, 'x'))), {"no such folder"}));
  fs::create_directories(folder.set);
  CHECK(says(folder.error(), {"0 training and 0 test images in 0 classes"}));
  refused_with("a.png", {"set/a.png", "not a folder", "train, test"});
  refused_with("train/a.png", {"set/train/a.png", "not a folder", "each class"});
  refused_with("train/a/deep/a.png", {"set/train/a/deep", "not a file", "PNG or JPEG"});
  refused_with("plane/a.png", {"set/plane", "beside train and test"});
  refused_with("test/d/a.png", {"set/test/d", "no such class", "set/train"});
  refused_with("unlabelled/deep/a.png", {"set/unlabelled/deep", "not a file"});
  folder.split();
  fs::create_directory(folder.set / "train/empty");
  CHECK(says(folder.error(), {"set/train/empty", "empty"}));
  fs::remove(folder.set / "train/empty");
  fs::create_symlink("/nowhere", folder.set / "train/a/link.png");
  CHECK(says(folder.error(), {"train/a/link.png", "not a file"}));
  fs::remove(folder.set / "train/a/link.png");
  fs::rename(folder.set / "test", folder.temporary.path / "test");
  CHECK(says(folder.error(), {"set/test", "no such folder", "both train and test"}));
}

TEST_CASE("image folder: numbers that do not fit are refused") {
  const Folder folder;
  folder.split();
  CHECK(says(folder.error(7), {"images = 7", "6 images"}));
  FolderOptions options = small();
  options.classes = 4;
  CHECK(says(folder.error(0, options), {"3 classes, expected 4"}));
  options.classes = 3;
  CHECK(folder.error(0, options).empty());
  options.channels = 2;
  CHECK(says(folder.error(0, options), {"2 channels", "1 or 3"}));
  options.channels = 3;
  options.height = options.width = 1 << 18;
  CHECK(says(folder.error(0, options), {"262144x262144x3", "68719476736 bytes at most"}));
  options.height = 0;
  CHECK(says(folder.error(0, options), {"0x262144"}));
}
