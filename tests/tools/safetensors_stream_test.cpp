#include "tools/export/safetensors_stream.h"

#include <doctest/doctest.h>

#include <fstream>
#include <stdexcept>

#include "engine/error.h"
#include "tools/temporary_folder.h"

namespace saccade {

TEST_CASE("a safetensors file written row by row is the one written at once") {
  const TemporaryFolder temporary;
  const std::filesystem::path at_once = temporary.path / "a", streamed = temporary.path / "b";
  SafeTensors tensors;
  tensors.metadata = {{"event", "7"}};
  tensors.integers = {{"label", {4}, {3, 1, -4, 1}}};
  tensors.reals = {{"embedding.0", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}, {"none", {4, 0}, {}}, {"x", {4}, {9, 8, 7, 6}}};
  write_safetensors(at_once, tensors);
  std::ofstream(streamed) << "older";
  {
    SafeTensorsStream out(
        streamed, {{"label", true, {4}}, {"embedding.0", false, {4, 2}}, {"none", false, {4, 0}}, {"x", false, {4}}},
        tensors.metadata);
    for (std::size_t row = 0; row < 4; ++row) {
      out.append(0, std::span(tensors.integers[0].data).subspan(row, 1));
      out.append(1, std::span<const float>(tensors.reals[0].data).subspan(2 * row, 2));
      if (row % 2 == 1) out.append(3, std::span<const float>(tensors.reals[2].data).subspan(row - 1, 2));
    }
    CHECK(read_safetensors(at_once).reals.size() == 3);
    out.finish();
    CHECK(out.bytes() == std::filesystem::file_size(at_once));
  }
  const auto bytes = [](const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  CHECK(bytes(streamed) == bytes(at_once));
}

TEST_CASE("a safetensors file that is not finished leaves what was there; more than fits is refused") {
  const TemporaryFolder temporary;
  const std::filesystem::path file = temporary.path / "a";
  std::ofstream(file) << "older";
  {
    SafeTensorsStream out(file, {{"x", false, {3}}}, {});
    const std::vector<float> two{1, 2};
    out.append(0, std::span<const float>(two));
    CHECK_THROWS_AS(out.append(0, std::span<const float>(two)), std::invalid_argument);
    const std::vector<std::int64_t> one{1};
    CHECK_THROWS_AS(out.append(0, std::span<const std::int64_t>(one)), std::invalid_argument);
    CHECK_THROWS_AS(out.finish(), std::logic_error);
  }
  CHECK(std::filesystem::file_size(file) == 5);
  CHECK(std::distance(std::filesystem::directory_iterator(temporary.path), {}) == 1);
  CHECK_THROWS_AS(SafeTensorsStream(temporary.path / "no" / "a", {}, {}), InputError);
}

}  // namespace saccade
