#include "tools/fetch/catalogue.h"

namespace saccade {
namespace {

std::string after_last_slash(const std::string& text) { return text.substr(text.find_last_of('/') + 1); }

/// The images (28x28, a header of 16 bytes) or labels (a header of 8) of an IDX set.
std::uint64_t images(std::uint64_t count) { return 16 + 784 * count; }
std::uint64_t labels(std::uint64_t count) { return 8 + count; }

Archive gzip_file(const std::string& base, const std::string& name, std::uint64_t size, const std::string& sha256,
                  std::uint64_t unpacked) {
  return {base + name, size, sha256, {{name, unpacked}}};
}

/// Krizhevsky publishes MD5 c32a1d4ab5d03f1284b67883e8d87530.
PublishedSet cifar10() {
  const std::string in = "cifar-10-batches-bin/";
  constexpr std::uint64_t batch = 10'000 * 3073;
  return {"cifar10",
          "cifar-10-batches-bin",
          {{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            170'052'171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            {{in + "data_batch_1.bin", batch},
             {in + "data_batch_2.bin", batch},
             {in + "data_batch_3.bin", batch},
             {in + "data_batch_4.bin", batch},
             {in + "data_batch_5.bin", batch},
             {in + "test_batch.bin", batch}}}}};
}

/// Krizhevsky publishes MD5 03b5dce01913d631647c71ecec9e9cb8.
PublishedSet cifar100() {
  constexpr std::uint64_t record = 3074;
  return {"cifar100",
          "cifar-100-binary",
          {{"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            168'513'733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            {{"cifar-100-binary/train.bin", 50'000 * record}, {"cifar-100-binary/test.bin", 10'000 * record}}}}};
}

/// torchvision has MD5 91f7769df0f17e558f3565bffb0c7dfb.
PublishedSet stl10() {
  const std::string in = "stl10_binary/";
  constexpr std::uint64_t image = 3 * 96 * 96;
  return {"stl10",
          "stl10_binary",
          {{"http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
            2'640'397'119,
            "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
            {{in + "train_X.bin", 5'000 * image},
             {in + "train_y.bin", 5'000},
             {in + "test_X.bin", 8'000 * image},
             {in + "test_y.bin", 8'000},
             {in + "unlabeled_X.bin", 100'000 * image}}}}};
}

/// A mirror of LeCun's files, whose own place asks for a password at times; torchvision names both.
PublishedSet mnist() {
  const std::string base = "https://ossci-datasets.s3.amazonaws.com/mnist/";
  return {"mnist",
          "mnist",
          {gzip_file(base, "train-images-idx3-ubyte.gz", 9'912'422,
                     "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", images(60'000)),
           gzip_file(base, "train-labels-idx1-ubyte.gz", 28'881,
                     "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", labels(60'000)),
           gzip_file(base, "t10k-images-idx3-ubyte.gz", 1'648'877,
                     "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", images(10'000)),
           gzip_file(base, "t10k-labels-idx1-ubyte.gz", 4'542,
                     "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", labels(10'000))}};
}

/// NIST; torchvision has MD5 58c8d27c78d21e728a6bc7b3cc06412e.
PublishedSet emnist_letters() {
  const std::string in = "gzip/emnist-letters-";
  return {"emnist-letters",
          "emnist",
          {{"https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
            561'753'746,
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
            {{in + "train-images-idx3-ubyte.gz", images(124'800)},
             {in + "train-labels-idx1-ubyte.gz", labels(124'800)},
             {in + "test-images-idx3-ubyte.gz", images(20'800)},
             {in + "test-labels-idx1-ubyte.gz", labels(20'800)}}}}};
}

/// Zalando publishes MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d, 25c81989df183df01b3e8a0aad5dffbe,
/// bef4ecab320f06d8554ea6380940ec79 and bb300cfdad3c16e7a12a480ee83cd310.
PublishedSet fashion_mnist() {
  const std::string base = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";
  return {"fashion-mnist",
          "fashion-mnist",
          {gzip_file(base, "train-images-idx3-ubyte.gz", 26'421'880,
                     "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", images(60'000)),
           gzip_file(base, "train-labels-idx1-ubyte.gz", 29'515,
                     "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", labels(60'000)),
           gzip_file(base, "t10k-images-idx3-ubyte.gz", 4'422'102,
                     "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", images(10'000)),
           gzip_file(base, "t10k-labels-idx1-ubyte.gz", 5'148,
                     "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", labels(10'000))}};
}

}  // namespace

std::string Member::file_name() const {
  const std::string name = after_last_slash(path);
  return name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
}

std::string Archive::file_name() const { return after_last_slash(url); }

/// SHA-256 sums and sizes are those of TensorFlow Datasets (url_checksums/). Each sum was found again in a package that
/// has no part in that one: torchvision-ruby (CIFAR-10, CIFAR-100, MNIST), batchup (STL-10, Fashion-MNIST), CooCoo
/// (EMNIST); tests/program/fetch_test.cpp has the archives of Fashion-MNIST. The MD5 sums above tie them to what the
/// authors or torchvision publish.
const std::vector<PublishedSet>& published_sets() {
  static const std::vector<PublishedSet> sets{cifar10(), cifar100(),       stl10(),
                                              mnist(),   emnist_letters(), fashion_mnist()};
  return sets;
}

}  // namespace saccade
