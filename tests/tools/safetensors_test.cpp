#include "tools/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <stdexcept>

#include "engine/error.h"
#include "engine/golden.h"

namespace saccade {
namespace {

std::string file(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "x.safetensors");
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

SafeTensors sample() {
  SafeTensors tensors;
  tensors.reals.push_back({"conv.0.weight", {1, 2, 1}, {1.5f, -0.0f}});
  tensors.reals.push_back({"loss", {1}, {std::numeric_limits<float>::infinity()}});
  tensors.reals.push_back({"empty", {0, 3}, {}});
  tensors.metadata = {{"network", "conv3"}, {"experiment", "seed = 1\nrule = \"bp\"\n"}};
  tensors.integers.push_back({"label", {3}, {-1, 0, std::numeric_limits<std::int64_t>::max()}});
  return tensors;
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets, std::size_t bytes) {
  return file("{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}",
              std::string(bytes, '\0'));
}

}  // namespace

TEST_CASE("safetensors: what is written reads back") {
  const std::string bytes = safetensors_bytes(sample());
  const SafeTensors read = parse_safetensors(bytes, "memory");
  REQUIRE(read.real("conv.0.weight"));
  CHECK(read.real("conv.0.weight")->shape == std::vector<std::size_t>{1, 2, 1});
  CHECK(read.real("conv.0.weight")->data == std::vector<float>{1.5f, -0.0f});
  REQUIRE(read.real("empty"));
  CHECK(read.real("empty")->data.empty());
  REQUIRE(read.integer("label"));
  CHECK(read.integer("label")->data == sample().integers[0].data);
  CHECK(read.real("nothing") == nullptr);
  CHECK(read.metadata == sample().metadata);
  CHECK(safetensors_bytes(read) == bytes);
  CHECK(refusal(safetensors_bytes({})).empty());
}

TEST_CASE("golden safetensors: what version 0.1 wrote is read, to the bit") {
  const auto path = testing::golden_file("version-1.safetensors",
                                         [](const std::filesystem::path& to) { write_safetensors(to, sample()); });
  CHECK(safetensors_bytes(read_safetensors(path)) == safetensors_bytes(sample()));
}

TEST_CASE("safetensors: the bytes that Python's library writes") {
  // safetensors.numpy.save({"b": arange(2, dtype=int64), "a": float32([[1, 2]])}, metadata={"format": "np"})
  std::string data(24, '\0');
  data[8] = 1;
  const float values[] = {1, 2};
  std::memcpy(data.data() + 16, values, 8);
  const SafeTensors read = parse_safetensors(
      file("{\"__metadata__\":{\"format\":\"np\"},\"b\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
           "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[16,24]}}   ",
           data),
      "python");
  CHECK(read.integer("b")->data == std::vector<std::int64_t>{0, 1});
  CHECK(read.metadata == std::map<std::string, std::string>{{"format", "np"}});
  CHECK(read.real("a")->data == std::vector<float>{1, 2});
  CHECK(read.real("a")->shape == std::vector<std::size_t>{1, 2});
  // A scalar has no extents and one value.
  CHECK(parse_safetensors(one("\"F32\"", "[]", "[0,4]", 4), "scalar").real("a")->data.size() == 1);
}

TEST_CASE("safetensors: a file cut at any byte is refused") {
  const std::string bytes = safetensors_bytes(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(refusal(bytes.substr(0, size)).empty());
  }
  CHECK_FALSE(refusal(bytes + '\0').empty());
}

TEST_CASE("safetensors: any flipped bit reads or is refused, and never crashes") {
  const std::string bytes = safetensors_bytes(sample());
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const std::string message = refusal(flipped);
    if (bit < 64) CHECK_FALSE(message.empty());  // the length of the header
    CHECK(message.find('\n') == std::string::npos);
  }
}

TEST_CASE("safetensors: hostile headers") {
  CHECK(contains(refusal(one("\"F16\"", "[2]", "[0,4]", 4)), "dtype F16, expected F32 or I64"));
  CHECK(contains(refusal(one("7", "[2]", "[0,4]", 4)), "dtype 7"));
  CHECK(contains(refusal(one("\"F32\"", "[2]", "[0,4]", 4)), "needs 8"));
  CHECK(contains(refusal(one("\"F32\"", "[1]", "[4,0]", 4)), "lies at bytes 4 to 0"));
  CHECK(contains(refusal(one("\"F32\"", "[1]", "[0,99]", 4)), "lies at bytes 0 to 99"));
  CHECK(contains(refusal(one("\"F32\"", "[4294967296,4294967296]", "[0,0]", 0)), "more than there can be"));
  CHECK(contains(refusal(one("\"F32\"", "[4611686018427387904]", "[0,0]", 0)), "more than there can be"));
  CHECK(refusal(one("\"F32\"", "[4294967296,4294967296,0]", "[0,0]", 0)).empty());
  CHECK(contains(refusal(one("\"F32\"", "[-1]", "[0,4]", 4)), "shape contains -1"));
  CHECK(contains(refusal(one("\"F32\"", "[1.5]", "[0,4]", 4)), "shape contains 1.5"));
  CHECK(contains(refusal(one("\"F32\"", "[1e30]", "[0,4]", 4)), "shape contains"));
  CHECK(contains(refusal(one("\"F32\"", "3", "[0,4]", 4)), "expected a list"));
  std::string ones = "1";
  for (int axis = 1; axis < 64; ++axis) ones += ",1";
  CHECK(refusal(one("\"F32\"", "[" + ones + "]", "[0,4]", 4)).empty());
  CHECK(contains(refusal(one("\"F32\"", "[1," + ones + "]", "[0,4]", 4)), "shape has 65 axes, expected at most 64"));
  CHECK(contains(refusal(one("\"F32\"", "[1]", "[0]", 4)), "expected [begin, end]"));
  CHECK(contains(refusal(file("{\"a\":3}", "")), "has no dtype"));
  CHECK(contains(refusal(file("{\"__metadata__\":3}", "")), "__metadata__ is 3, expected an object"));
  CHECK(contains(refusal(file("{\"__metadata__\":{\"a\":[1]}}", "")), "\"a\" is [1], expected a string"));
  CHECK(contains(refusal(file("[]", "")), "expected a JSON header"));
  CHECK(contains(refusal(file("{", "")), "not JSON"));
  CHECK(contains(refusal(file("{\"\xff\":{}}", "")), "not JSON"));
  CHECK(contains(refusal(file("{\"a\":" + std::string(100000, '['), "")), "not JSON"));
  CHECK(contains(refusal(std::string(8, '\xff') + "{}"), "announces a header of 18446744073709551615 bytes"));
  const std::string f = "\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":";
  CHECK(contains(refusal(file("{\"a\":{" + f + "[0,4]},\"b\":{" + f + "[0,4]}}", "1234")), "no overlap"));
  CHECK(contains(refusal(file("{\"a\":{" + f + "[0,4]},\"b\":{" + f + "[8,12]}}", "123412341234")), "no holes"));
  CHECK(contains(refusal(file("{\"a\":{" + f + "[0,4]}}", "12345678")), "the file has 8"));
  CHECK(contains(refusal(file("{\"a\":{" + f + "[0,4]},\"a\":{" + f + "[0,4]}}", "1234")), "twice"));
}

TEST_CASE("safetensors: what cannot be written is a programming error") {
  SafeTensors tensors;
  tensors.reals.push_back({"a", {2}, {1}});
  CHECK_THROWS_AS(safetensors_bytes(tensors), std::invalid_argument);
  tensors.reals = {{"a", {1}, {1}}, {"a", {1}, {1}}};
  CHECK_THROWS_AS(safetensors_bytes(tensors), std::invalid_argument);
  tensors.reals = {{"__metadata__", {1}, {1}}};
  CHECK_THROWS_AS(safetensors_bytes(tensors), std::invalid_argument);
}

}  // namespace saccade
