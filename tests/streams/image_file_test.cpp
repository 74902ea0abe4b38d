#include "streams/image_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/error.h"
#include "image_files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

Picture decode(const Bytes& file, int channels = 3) { return decode_image(file, channels, "x"); }
std::string error(const Bytes& file) {
  return message_of<InputError>([&] { decode(file); });
}
Bytes beginning(const Bytes& bytes, std::size_t count) { return {bytes.begin(), bytes.begin() + count}; }

/// The largest difference of two pictures' values.
int difference(const Bytes& a, const Bytes& b) {
  REQUIRE(a.size() == b.size());
  int most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

}  // namespace

TEST_CASE("PNG: grey and RGB, whatever the size, bit for bit") {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {5, 1}, {3, 4}, {33, 29}})
    for (const int channels : {1, 3}) {
      CAPTURE(height);
      CAPTURE(channels);
      const Bytes pixels = noise(static_cast<std::size_t>(height * width * channels), 3);
      const Picture picture = decode(png_file(height, width, channels, pixels), channels);
      CHECK(picture.height == height);
      CHECK(picture.width == width);
      CHECK(picture.channels == channels);
      CHECK(picture.bytes == pixels);
    }
}

TEST_CASE("grey becomes colour and colour grey") {
  CHECK(decode(png_file(1, 2, 1, {7, 250})).bytes == Bytes{7, 7, 7, 250, 250, 250});
  const Bytes colours{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 90, 90, 90, 0, 0, 0};
  CHECK(decode(png_file(1, 6, 3, colours), 1).bytes == Bytes{76, 150, 29, 255, 90, 0});
  CHECK_THROWS_AS(decode(png_file(1, 2, 1, {7, 250}), 2), std::invalid_argument);
}

TEST_CASE("PNG: palettes, few bits, 16 bits, transparency over black") {
  const Bytes palette = png_chunk("PLTE", {1, 2, 3, 40, 50, 60, 250, 0, 9});
  CHECK(decode(png_of({1, 3, 2, Colour::palette}, {0, 0b10'00'01'00}, palette)).bytes ==
        Bytes{250, 0, 9, 1, 2, 3, 40, 50, 60});
  Bytes transparent = palette;
  for (const std::uint8_t byte : png_chunk("tRNS", {255, 51})) transparent.push_back(byte);  // entry 1: a fifth
  CHECK(decode(png_of({1, 3, 2, Colour::palette}, {0, 0b10'00'01'00}, transparent)).bytes ==
        Bytes{250, 0, 9, 1, 2, 3, 8, 10, 12});
  CHECK(decode(png_of({1, 8, 1, Colour::grey}, {0, 0b10010110}), 1).bytes == Bytes{255, 0, 0, 255, 0, 255, 255, 0});
  CHECK(decode(png_of({1, 2, 4, Colour::grey}, {0, 0x1f}), 1).bytes == Bytes{17, 255});
  // 16 bits: value * 255 / 65535 to the nearest.
  CHECK(decode(png_of({1, 3, 16, Colour::grey}, {0, 0x00, 0x80, 0x00, 0x81, 0xff, 0xff}), 1).bytes == Bytes{0, 1, 255});
  CHECK(decode(png_of({1, 2, 8, Colour::grey_alpha}, {0, 200, 128, 77, 0}), 1).bytes == Bytes{100, 0});
  CHECK(decode(png_of({1, 2, 8, Colour::rgb_alpha}, {0, 10, 20, 30, 255, 255, 100, 50, 128})).bytes ==
        Bytes{10, 20, 30, 128, 50, 25});
  // A transparent colour of an image without alpha.
  CHECK(decode(png_of({1, 2, 8, Colour::rgb}, {0, 9, 8, 7, 6, 5, 4}, png_chunk("tRNS", {0, 9, 0, 8, 0, 7}))).bytes ==
        Bytes{0, 0, 0, 6, 5, 4});
}

TEST_CASE("PNG: gamma and unknown chunks change nothing") {
  Bytes chunks = png_chunk("gAMA", {0, 1, 0x86, 0xa0});  // 1.0
  for (const std::uint8_t byte : png_chunk("vpAg", {1, 2, 3})) chunks.push_back(byte);
  CHECK(decode(png_of({1, 2, 8, Colour::grey}, {0, 100, 50}, chunks), 1).bytes == Bytes{100, 50});
}

TEST_CASE("PNG: interlaced as the rows one after the other") {
  constexpr int height = 11, width = 13;
  const Bytes pixels = noise(height * width * 3, 5);
  struct Pass {
    int top, left, down, right;
  };
  Bytes lines;  // Adam7, section 8.2 of the PNG specification
  for (const Pass& pass :
       {Pass{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4}, {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}})
    for (int y = pass.top; y < height; y += pass.down) {
      lines.push_back(0);
      for (int x = pass.left; x < width; x += pass.right)
        for (int c = 0; c < 3; ++c) lines.push_back(pixels[static_cast<std::size_t>((y * width + x) * 3 + c)]);
    }
  CHECK(decode(png_of({height, width, 8, Colour::rgb, true}, lines)).bytes == pixels);
}

TEST_CASE("PNG: cut at every byte, every bit flipped: refused, or the same pixels") {
  const Bytes pixels = noise(4 * 5 * 3, 8), file = png_file(4, 5, 3, pixels);
  for (std::size_t count = 0; count < file.size(); ++count) {
    CAPTURE(count);
    CHECK(says(error(beginning(file, count)), {"x: "}));
  }
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
    Bytes damaged = file;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    refused += says(error(damaged), {"x: "});
  }
  CHECK(refused == 8 * static_cast<int>(file.size()));
}

TEST_CASE("PNG: hostile sizes are refused before anything is allocated") {
  const std::uint32_t huge = 0x7fffffff;
  const Bytes row{0, 1, 2, 3};
  CHECK(says(error(png_of({huge, huge, 8, Colour::rgb}, row)), {"x: ", "2147483647", "65535"}));
  CHECK(says(error(png_of({huge, huge, 16, Colour::rgb_alpha}, row)), {"x: ", "2147483647"}));
  CHECK(says(error(png_of({0x80000000, 0x80000000, 8, Colour::rgb}, row)), {"x: ", "PNG"}));
  CHECK(says(error(png_of({0xffffffff, 1, 8, Colour::rgb}, row)), {"x: ", "PNG"}));
  CHECK(says(error(png_of({0, 1, 8, Colour::rgb}, row)), {"x: ", "PNG"}));
  CHECK(says(error(png_of({1, 65536, 8, Colour::rgb}, row)), {"1 pixels high and 65536 wide"}));
  CHECK(says(error(png_of({8193, 8192, 8, Colour::rgb}, row)), {"8193 pixels high and 8192 wide", "67108864"}));
  CHECK(says(error(png_of({8192, 8192, 8, Colour::rgb}, row)), {"cannot hold the 8192x8192 pixels"}));
  CHECK(says(error(png_of({4, 1, 8, Colour::rgb}, row)), {"damaged PNG"}));  // a quarter of the rows
}

TEST_CASE("PNG: a bomb costs what its image is, not what it unpacks to") {
  // 64 MB behind one row of pixels; and in a text chunk, which is never unpacked whole.
  Bytes zeros(std::size_t{1} << 26);
  CHECK(decode(png_of({1, 1, 8, Colour::grey}, zeros), 1).bytes == Bytes{0});
  Bytes text{'a', 0, 0};
  const Bytes bomb = deflated(zeros);
  text.insert(text.end(), bomb.begin(), bomb.end());
  CHECK(decode(png_of({1, 1, 8, Colour::grey}, {0, 9}, png_chunk("zTXt", text)), 1).bytes == Bytes{9});
}

TEST_CASE("JPEG: grey, colour, progressive; near the original") {
  for (const auto& [height, width] : {std::pair{1, 1}, {8, 8}, {17, 23}, {40, 33}})
    for (const Scans scans : {Scans::one, Scans::separate, Scans::progressive}) {
      CAPTURE(height);
      CAPTURE(static_cast<int>(scans));
      for (const int channels : {1, 3}) {
        const Bytes pixels = ramp(height, width, channels);
        const Picture picture = decode(jpeg_file(height, width, channels, pixels, scans), channels);
        CHECK(picture.height == height);
        CHECK(picture.width == width);
        CHECK(picture.channels == channels);
        CHECK(difference(picture.bytes, pixels) <= 6);  // quality 95 on a ramp, chroma at half the resolution
      }
    }
  const Picture grey = decode(jpeg_file(9, 9, 1, ramp(9, 9, 1)), 3);
  for (std::size_t i = 0; i < grey.bytes.size(); i += 3)
    CHECK((grey.bytes[i] == grey.bytes[i + 1] && grey.bytes[i] == grey.bytes[i + 2]));
}

TEST_CASE("JPEG: cut anywhere it is refused, not filled with grey") {
  for (const Scans scans : {Scans::one, Scans::separate, Scans::progressive}) {
    const Bytes file = jpeg_file(24, 24, 3, noise(24 * 24 * 3, 2), scans);
    for (std::size_t count = 0; count < file.size(); count += count < 20 || count + 20 > file.size() ? 1 : 7) {
      CAPTURE(count);
      CHECK(says(error(beginning(file, count)), {"x: "}));
    }
  }
}

TEST_CASE("JPEG: damage never crashes") {
  const Bytes file = jpeg_file(24, 24, 3, noise(24 * 24 * 3, 2));
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * file.size(); bit += 3) {
    Bytes damaged = file;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const std::string message = error(damaged);
    CHECK((message.empty() || says(message, {"x: "})));
    refused += !message.empty();
  }
  CHECK(refused > 100);  // JPEG has no checksum: the rest are other pictures
}

TEST_CASE("JPEG: hostile sizes, CMYK, too many scans") {
  Bytes file = jpeg_file(8, 8, 3, ramp(8, 8, 3));
  const Bytes start_of_frame{0xff, 0xc0};
  const auto frame = std::search(file.begin(), file.end(), start_of_frame.begin(), start_of_frame.end());
  REQUIRE(frame != file.end());
  std::fill(frame + 5, frame + 9, std::uint8_t{0xff});  // 65535 x 65535
  CHECK(says(error(file), {"x: "}));
  frame[5] = frame[7] = 0x40;  // 16639 x 16639
  CHECK(says(error(file), {"16639 pixels high and 16639 wide"}));
  frame[5] = frame[6] = 0;
  CHECK(says(error(file), {"damaged JPEG"}));
  CHECK(says(error(jpeg_file(8, 8, 4, ramp(8, 8, 4))), {"CMYK", "4 channels", "convert"}));
  // A scan once more, and once more: each may be a few bytes and costs a pass over the image.
  const Bytes separate = jpeg_file(8, 8, 3, ramp(8, 8, 3), Scans::separate), start_of_scan{0xff, 0xda};
  const auto last = std::find_end(separate.begin(), separate.end(), start_of_scan.begin(), start_of_scan.end());
  const auto with_repeated = [&](int times) {
    Bytes many(separate.begin(), last);
    for (int i = 0; i < times; ++i) many.insert(many.end(), last, separate.end() - 2);
    many.insert(many.end(), {0xff, 0xd9});
    return many;
  };
  CHECK(error(with_repeated(100)).empty());
  CHECK(says(error(with_repeated(1000)), {"damaged JPEG", "more than 500 scans"}));
}

TEST_CASE("image files: the content decides; what cannot be an image is refused by name") {
  const TemporaryFolder folder;
  const auto file = folder.path / "a.jpg";
  const auto refused = [&](const std::filesystem::path& path) {
    return message_of<InputError>([&] { read_image(path, 3); });
  };
  write_file(file, png_file(1, 1, 3, {1, 2, 3}));
  CHECK(read_image(file, 3).bytes == Bytes{1, 2, 3});
  write_file(file, {});
  CHECK(says(refused(file), {"a.jpg", "an empty file", "PNG or JPEG"}));
  write_file(file, {'G', 'I', 'F', '8', '9', 'a'});
  CHECK(says(refused(file), {"a.jpg", "begins with 47 49 46 38", "PNG or JPEG"}));
  CHECK(says(refused(folder.path), {folder.path.string(), "not a regular file"}));
  CHECK(says(refused(folder.path / "none.png"), {"none.png", "no such file"}));
  std::filesystem::resize_file(file, largest_image_file + 1);  // a hole: no room on the disk
  CHECK(says(refused(file), {"a.jpg", "268435457 bytes", "at most 268435456"}));
  CHECK(says(refused("/dev/zero"), {"/dev/zero", "not a regular file"}));
}
