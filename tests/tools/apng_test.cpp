#include "tools/report/apng.h"

#include <doctest/doctest.h>
#include <png.h>
#include <zlib.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace saccade {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Chunk {
  std::string type;
  Bytes payload;
};

std::uint32_t number(const Bytes& bytes, std::size_t at, int size = 4) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | bytes.at(at + static_cast<std::size_t>(i));
  return value;
}

void put(Bytes& out, std::uint32_t value) {
  for (int i = 3; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// The chunks of a file, their sums checked.
std::vector<Chunk> chunks(const Bytes& file) {
  REQUIRE(file.size() > 8);
  CHECK(std::memcmp(file.data(), "\x89PNG\r\n\x1a\n", 8) == 0);
  std::vector<Chunk> all;
  for (std::size_t at = 8; at < file.size();) {
    const std::uint32_t length = number(file, at);
    const auto* type = file.data() + at + 4;
    CHECK(number(file, at + 8 + length) == crc32(0, type, length + 4));
    all.push_back({std::string(type, type + 4), Bytes(type + 4, type + 4 + length)});
    at += length + 12;
  }
  return all;
}

void put_chunk(Bytes& file, const Chunk& chunk) {
  put(file, static_cast<std::uint32_t>(chunk.payload.size()));
  const std::size_t at = file.size();
  file.insert(file.end(), chunk.type.begin(), chunk.type.end());
  file.insert(file.end(), chunk.payload.begin(), chunk.payload.end());
  put(file, static_cast<std::uint32_t>(crc32(0, file.data() + at, static_cast<uInt>(file.size() - at))));
}

/// What libpng, which does not know animations, sees.
Bytes decoded(const Bytes& file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, file.data(), file.size()));
  image.format = PNG_FORMAT_RGB;
  Bytes pixels(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr));
  return pixels;
}

Picture picture(int height, int width, std::uint32_t seed) {
  Picture out{height, width, 3, {}};
  for (int i = 0; i < height * width * 3; ++i)
    out.bytes.push_back(static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24));
  return out;
}

}  // namespace

TEST_CASE("an animated PNG holds every frame, its time, and its first frame for readers without animation") {
  std::vector<AnimationFrame> frames{
      {picture(5, 7, 1), 0.15}, {picture(5, 7, 2), 0}, {picture(5, 7, 3), 1e9}, {picture(5, 7, 4), 1}};
  const Bytes file = encode_apng(frames);
  CHECK(decoded(file) == frames[0].picture.bytes);

  const std::vector<Chunk> all = chunks(file);
  REQUIRE(all.size() > 3);
  CHECK(all[0].type == "IHDR");
  CHECK(all[1].type == "acTL");
  CHECK(number(all[1].payload, 0) == 4);
  CHECK(number(all[1].payload, 4) == 0);
  CHECK(all.back().type == "IEND");
  // Each frame's data as a PNG of its own, and the numbers that must count up without a gap.
  std::uint32_t sequence = 0;
  std::vector<std::uint32_t> milliseconds;
  std::vector<Bytes> stills;
  for (const Chunk& chunk : all) {
    if (chunk.type == "fcTL") {
      CHECK(chunk.payload.size() == 26);
      CHECK(number(chunk.payload, 0) == sequence++);
      CHECK(number(chunk.payload, 4) == 7);
      CHECK(number(chunk.payload, 8) == 5);
      CHECK(number(chunk.payload, 22, 2) == 1000);
      milliseconds.push_back(number(chunk.payload, 20, 2));
      stills.emplace_back(file.begin(), file.begin() + 8);
      put_chunk(stills.back(), all[0]);
    } else if (chunk.type == "IDAT") {
      CHECK(stills.size() == 1);
      put_chunk(stills.back(), chunk);
    } else if (chunk.type == "fdAT") {
      CHECK(stills.size() > 1);
      CHECK(number(chunk.payload, 0) == sequence++);
      put_chunk(stills.back(), {"IDAT", Bytes(chunk.payload.begin() + 4, chunk.payload.end())});
    }
  }
  CHECK(milliseconds == std::vector<std::uint32_t>{150, 1, 65535, 1000});
  REQUIRE(stills.size() == frames.size());
  for (std::size_t i = 0; i < stills.size(); ++i) {
    put_chunk(stills[i], all.back());
    CHECK(decoded(stills[i]) == frames[i].picture.bytes);
  }
}

TEST_CASE("an animation needs frames, all of one size") {
  CHECK_THROWS_AS(encode_apng({}), std::invalid_argument);
  CHECK_THROWS_AS(encode_apng({{picture(5, 7, 1), 1}, {picture(7, 5, 1), 1}}), std::invalid_argument);
}

}  // namespace saccade
