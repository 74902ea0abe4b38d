#include "streams/load.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <numeric>

#include "engine/error.h"
#include "files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

std::vector<int> per_class(const ImageSet& images) {
  std::vector<int> counts(images.classes.size());
  for (int label : images.labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

std::vector<std::int32_t> first_labels(const ImageSet& images) {
  return {images.labels.begin(), images.labels.begin() + 5};
}

const char* real_data() { return std::getenv("SACCADE_TEST_REAL_DATA"); }

/// Share of the light in the upper half of an image, summed over the images of a class.
double upper_share(const ImageSet& images, int label) {
  double upper = 0, all = 0;
  for (std::size_t n = 0; n < images.size(); ++n) {
    if (images.labels[n] != label) continue;
    const std::uint8_t* image = images.image(n);
    upper += std::accumulate(image, image + images.image_bytes() / 2, 0.0);
    all += std::accumulate(image, image + images.image_bytes(), 0.0);
  }
  return upper / all;
}

}  // namespace

TEST_CASE("an unknown data set lists the known ones") {
  const std::string error = message_of<InputError>([] { load_data("cifar11", "/", 0); });
  CHECK(says(error, {"cifar11", "cifar10", "cifar100", "mnist", "emnist-letters", "fashion-mnist"}));
}

TEST_CASE("each name looks in its own folder") {
  TemporaryFolder folder;
  for (const auto& [name, place] : std::vector<std::pair<std::string, std::string>>{{"cifar10", "cifar-10-batches-bin"},
                                                                                    {"cifar100", "cifar-100-binary"},
                                                                                    {"stl10", "stl10_binary"},
                                                                                    {"mnist", "mnist"},
                                                                                    {"emnist-letters", "emnist"}}) {
    CHECK(says(message_of<InputError>([&] { load_data(name, folder.path, 0); }),
               {(folder.path / place).string(), "no such folder"}));
  }
  std::filesystem::create_directories(folder.path / "fashion-mnist");
  CHECK(says(message_of<InputError>([&] { load_data("fashion-mnist", folder.path, 0); }),
             {(folder.path / "fashion-mnist").string(), "no such file"}));
}

TEST_CASE("pixels_of") {
  ImageSet images{"x", 1, 2, 1, {"a"}, {0, 255, 51, 1}, {0, 0}};
  CHECK(pixels_of(images, 0) == Pixels{0.0f, 1.0f});
  CHECK(pixels_of(images, 1) == Pixels{51 * byte_scale, byte_scale});
  CHECK_THROWS_AS(pixels_of(images, 2), std::out_of_range);
}

TEST_CASE("Fashion-MNIST as Debian ships it") {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    MESSAGE("skipped: package dataset-fashion-mnist is not installed");
    return;
  }
  TemporaryFolder empty;
  const DataSet data = load_data("fashion-mnist", empty.path, 0);
  CHECK(data.train.size() == 60'000);
  CHECK(data.test.size() == 10'000);
  CHECK(data.train.pixels.size() == 60'000u * 784);
  CHECK(per_class(data.train) == std::vector<int>(10, 6'000));
  CHECK(per_class(data.test) == std::vector<int>(10, 1'000));
  CHECK(first_labels(data.train) == std::vector<std::int32_t>{9, 0, 0, 3, 0});
  const DataSet few = load_data("fashion-mnist", empty.path, 1'000);
  CHECK(few.train.pixels == Bytes(data.train.pixels.begin(), data.train.pixels.begin() + 784'000));
}

TEST_CASE("real CIFAR-10, where SACCADE_TEST_REAL_DATA has it") {
  if (!real_data() || !std::filesystem::exists(std::filesystem::path(real_data()) / "cifar-10-batches-bin")) return;
  const DataSet data = load_data("cifar10", real_data(), 0);
  CHECK(per_class(data.train) == std::vector<int>(10, 5'000));
  CHECK(data.test.size() == 10'000);
  CHECK(first_labels(data.train) == std::vector<std::int32_t>{6, 9, 9, 4, 1});
  CHECK(data.train.image(0)[0] == 59);  // the well-known first pixel of the first frog: 59, 62, 63
  CHECK(data.train.image(0)[1] == 62);
  CHECK(data.train.image(0)[2] == 63);
  const DataSet few = load_data("cifar10", real_data(), 12'345);
  CHECK(few.train.pixels == Bytes(data.train.pixels.begin(), data.train.pixels.begin() + 12'345 * 3072));
}

TEST_CASE("real MNIST and EMNIST letters, where SACCADE_TEST_REAL_DATA has them") {
  if (!real_data() || !std::filesystem::exists(std::filesystem::path(real_data()) / "emnist")) return;
  const DataSet digits = load_data("mnist", real_data(), 0);
  CHECK(digits.train.size() == 60'000);
  CHECK(first_labels(digits.train) == std::vector<std::int32_t>{5, 0, 4, 1, 9});
  CHECK(first_labels(digits.test) == std::vector<std::int32_t>{7, 2, 1, 0, 4});
  const DataSet letters = load_data("emnist-letters", real_data(), 0);
  CHECK(letters.train.size() == 124'800);
  CHECK(per_class(letters.train) == std::vector<int>(26, 4'800));
  CHECK(per_class(letters.test) == std::vector<int>(26, 800));
  // Upright letters: T has its bar, P its bow, in the upper half; lying ones would have both halves alike.
  CHECK(upper_share(letters.test, 'T' - 'A') > 0.55);
  CHECK(upper_share(letters.test, 'P' - 'A') > 0.55);
}
