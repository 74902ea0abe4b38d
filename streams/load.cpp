#include "streams/load.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "streams/cifar.h"
#include "streams/idx.h"
#include "streams/stl10.h"

namespace saccade {
namespace {

DataSet load_fashion_mnist(const std::filesystem::path& folder, std::size_t images) {
  const std::filesystem::path own = folder / "fashion-mnist", debian = "/usr/share/datasets/fashion-mnist";
  if (std::filesystem::exists(own)) return load_idx_set(fashion_mnist_set(), own, images);
  if (std::filesystem::exists(debian)) return load_idx_set(fashion_mnist_set(), debian, images);
  throw InputError(
      fmt::format("{}: no such folder, nor {}; put the IDX files of fashion-mnist there (saccade fetch downloads "
                  "them), or install the Debian package dataset-fashion-mnist",
                  own.string(), debian.string()));
}

}  // namespace

const std::vector<std::string>& data_names() {
  static const std::vector<std::string> names{"cifar10",       "cifar100", "mnist", "emnist-letters",
                                              "fashion-mnist", "stl10",    "folder"};
  return names;
}

DataSet load_data(const std::string& name, const std::filesystem::path& folder, std::size_t images,
                  const FolderOptions& options, const Decoding& decoding) {
  if (name == "folder") return load_image_folder(folder, options, images, decoding);
  if (name == "cifar10") return load_cifar10(folder, images);
  if (name == "cifar100") return load_cifar100(folder, images);
  if (name == "stl10") return load_stl10(folder, images);
  if (name == "mnist") return load_idx_set(mnist_set(), folder / "mnist", images);
  if (name == "emnist-letters") return load_idx_set(emnist_letters_set(), folder / "emnist", images);
  if (name == "fashion-mnist") return load_fashion_mnist(folder, images);
  std::string known;
  for (const auto& other : data_names()) known += " " + other;
  throw InputError(fmt::format("data = \"{}\": no such data set, expected one of{}", name, known));
}

DataSet load_labelled(const std::string& name, const std::filesystem::path& folder, const FolderOptions& options,
                      const Decoding& decoding) {
  if (name == "folder") return load_image_folder_labelled(folder, options, decoding);
  return name == "stl10" ? load_stl10_labelled(folder) : load_data(name, folder, 0);
}

}  // namespace saccade
