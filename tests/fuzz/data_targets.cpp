#include "engine/error.h"
#include "streams/cifar.h"
#include "streams/idx.h"
#include "streams/stl10.h"
#include "tests/fuzz/targets.h"
#include "tests/streams/files.h"
#include "tools/safetensors.h"

namespace saccade::fuzz {
namespace {

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void safetensors(std::span<const std::uint8_t> input) {
  const SafeTensors read = parse_safetensors(text_of(input), "input");
  const std::string bytes = safetensors_bytes(read);
  expect(safetensors_bytes(parse_safetensors(bytes, "again")) == bytes, "tensors that change when they are written");
}

std::vector<Bytes> safetensors_files() {
  SafeTensors tensors;
  tensors.reals = {{"conv.0.weight", {1, 2, 1}, {1.5f, -0.0f}}, {"empty", {0, 3}, {}}, {"scalar", {}, {2}}};
  tensors.integers = {{"label", {3}, {-1, 0, 7}}};
  tensors.metadata = {{"network", "conv3"}};
  return {bytes_of(safetensors_bytes(tensors)), bytes_of(safetensors_bytes({}))};
}

/// Byte 0: dimensions, compression, how many are wanted.
void idx(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const bool compressed = (input[0] & 4) != 0;
  const auto file = file_with(input.subspan(1), compressed ? "packed.gz" : "plain");
  const IdxArray array = read_idx(compressed ? file.parent_path() / "packed" : file, 1 + input[0] % 3,
                                  (input[0] & 8) != 0 ? 2 : every_item);
  std::size_t bytes = 1;
  for (std::size_t d = 1; d < array.shape.size(); ++d) bytes *= array.shape[d];
  expect(array.data.size() % bytes == 0, "items that are not whole");
}

std::vector<Bytes> idx_files() {
  std::vector<Bytes> all;
  const Bytes labels = test::idx({4}, {3, 1, 2, 0}), pixels = test::idx({2, 3, 2}, Bytes(12, 7));
  for (const auto& [first, content] : {std::pair{0, labels},
                                       {2, pixels},
                                       {10, pixels},
                                       {4, test::gzip(labels)},
                                       {14, test::gzip(pixels)},
                                       {1, pixels}})
    all.push_back(chosen(static_cast<std::size_t>(first), content));
  return all;
}

/// Byte 0: CIFAR-10, CIFAR-100 or STL-10.
void planes(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const auto file = file_with(input.subspan(1), "planes");
  ImageSet images{"input", 32, 32, 3, {}, {}, {}};
  if (input[0] % 3 == 2)
    images = read_stl10_images(file, input[0] / 3 % 2);
  else
    append_cifar(file, {1, 1u + input[0] % 3, input[0] % 3 == 0 ? 10 : 100}, 1, images);
  for (const std::int32_t label : images.labels) expect(label >= 0 && label < 100, "a label out of range");
}

std::vector<Bytes> plane_files() {
  std::vector<Bytes> all;
  for (const auto& [kind, size] : {std::pair{0, 3073}, {1, 3074}, {2, 27648}})
    all.push_back(chosen(static_cast<std::size_t>(kind), Bytes(static_cast<std::size_t>(size), std::uint8_t{5})));
  return all;
}

}  // namespace

std::vector<Target> data_targets() {
  return {{"safetensors", safetensors, safetensors_files}, {"idx", idx, idx_files}, {"planes", planes, plane_files}};
}

}  // namespace saccade::fuzz
