#include <algorithm>
#include <array>

#include "streams/image_file.h"
#include "streams/resize.h"
#include "tests/fuzz/targets.h"
#include "tests/streams/image_files.h"

namespace saccade::fuzz {
namespace {

using namespace test;

void expect_whole(const Picture& picture, int channels) {
  expect(picture.bytes.size() == static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width) *
                                     static_cast<std::size_t>(channels),
         "a picture of another size than it says");
}

/// Byte 0: as how many channels it is wanted.
void image(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const int channels = input[0] % 2 == 0 ? 1 : 3;
  expect_whole(decode_image(input.subspan(1), channels, "input"), channels);
}

std::vector<Bytes> images() {
  const Bytes grey = ramp(5, 7, 1), colour = ramp(5, 7, 3);
  std::vector<Bytes> all{
      png_file(5, 7, 1, grey),
      png_file(5, 7, 3, colour),
      jpeg_file(5, 7, 1, grey),
      jpeg_file(5, 7, 3, colour),
      jpeg_file(5, 7, 3, colour, Scans::progressive),
      jpeg_file(5, 7, 4, ramp(5, 7, 4)),
      jpeg_file(1, 1, 1, {7}),
      jpeg_file(17, 33, 3, ramp(17, 33, 3), Scans::separate),
      jpeg_file(16, 48, 1, ramp(16, 48, 1), Scans::progressive),
      png_of({5, 7, 8, Colour::palette}, scanlines(Bytes(35, 1), 7), png_chunk("PLTE", {0, 1, 2, 30, 60, 90})),
      png_of({3, 2, 16, Colour::rgb_alpha, true}, scanlines(Bytes(48, 9), 16)),
      png_of({3, 2, 1, Colour::grey}, scanlines({0x80, 0x40, 0xc0}, 1))};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = chosen(i % 2, all[i]);
  return all;
}

/// The rows that a PNG of this header holds, in its order, each as long as it must be, a filter byte before it. `from`
/// is repeated; what it says of filters is kept within the five that there are if `filters`.
Bytes rows_of(const PngHeader& header, std::span<const std::uint8_t> from, bool filters) {
  struct Pass {
    std::uint32_t y, x, dy, dx;
  };
  static constexpr std::array<Pass, 7> adam7{
      {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4}, {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}}};
  static constexpr std::array<Pass, 1> all_at_once{{{0, 0, 1, 1}}};
  const std::size_t samples = header.colour == Colour::rgb          ? 3
                              : header.colour == Colour::rgb_alpha  ? 4
                              : header.colour == Colour::grey_alpha ? 2
                                                                    : 1;
  Bytes rows;
  std::size_t taken = 0;
  const auto next = [&] { return from.empty() ? std::uint8_t{0} : from[taken++ % from.size()]; };
  for (const Pass& pass : header.interlaced ? std::span<const Pass>(adam7) : std::span<const Pass>(all_at_once)) {
    const std::size_t width = header.width > pass.x ? (header.width - pass.x + pass.dx - 1) / pass.dx : 0;
    for (std::uint32_t y = pass.y; y < header.height && width > 0; y += pass.dy) {
      const std::uint8_t filter = next();
      rows.push_back(filters ? filter % 5 : filter);
      for (std::size_t bytes = (width * samples * header.depth + 7) / 8; bytes > 0; --bytes) rows.push_back(next());
    }
  }
  return rows;
}

constexpr std::array<const char*, 12> chunk_types{"PLTE", "tRNS", "gAMA", "cHRM", "sRGB", "bKGD",
                                                  "sBIT", "iCCP", "tEXt", "zTXt", "pHYs", "eXIf"};
constexpr std::size_t png_choices = 6;

/// A PNG put together with right checksums and rows of the right length, so that all of the decoder is reached.
/// Byte 0: channels wanted, interlaced, whether filters are legal, whether it is cut, whether its rows are (1, 2, 4, 8,
/// 16); 1: depth and colour; 2, 3: height, width; 4: of what is cut, how much is left; 5: number of chunks, each a byte
/// for its type, one for its length, and data. The rest: pixels.
void png(std::span<const std::uint8_t> input) {
  if (input.size() < png_choices) return;
  constexpr std::array<Colour, 5> colours{Colour::grey, Colour::rgb, Colour::palette, Colour::grey_alpha,
                                          Colour::rgb_alpha};
  const std::uint8_t choice = input[0];
  const int channels = (choice & 1) == 0 ? 1 : 3;
  const PngHeader header{input[2], input[3], static_cast<std::uint8_t>(1 << input[1] % 5), colours[input[1] / 5 % 5],
                         (choice & 2) != 0};
  Bytes chunks;
  auto rest = input.subspan(png_choices);
  for (int left = input[5] % 8; left > 0 && rest.size() >= 2; --left) {
    const char* const type = chunk_types[rest[0] % chunk_types.size()];
    const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
    const Bytes chunk = png_chunk(type, {rest.begin() + 2, rest.begin() + 2 + static_cast<std::ptrdiff_t>(length)});
    chunks.insert(chunks.end(), chunk.begin(), chunk.end());
    rest = rest.subspan(2 + length);
  }
  const bool cut = input[4] < 255;
  Bytes rows = rows_of(header, rest, (choice & 4) == 0);
  if ((choice & 16) != 0) rows.resize(rows.size() * input[4] / 255);
  Bytes file = png_of(header, rows, chunks);
  if ((choice & 8) != 0) file.resize(file.size() * input[4] / 255);
  const Picture picture = decode_image(file, channels, "input");
  expect_whole(picture, channels);
  expect(picture.height == input[2] && picture.width == input[3] && !(cut && (choice & 24) != 0),
         "a picture that is not there");
  // What comes after it in a folder of images.
  const Fit fit = (choice & 32) == 0 ? Fit::crop : Fit::stretch;
  expect_whole(resized(picture, 1 + choice / 64 * 7, 1 + input[4] % 16, fit), channels);
}

std::vector<Bytes> pngs() {
  std::vector<Bytes> all;
  for (std::uint8_t depth = 0; depth < 5; ++depth)
    for (std::uint8_t colour = 0; colour < 5; ++colour)
      for (const std::uint8_t choice : {std::uint8_t{0}, std::uint8_t{3}}) {
        const auto look = static_cast<std::uint8_t>(depth + 5 * colour);
        // A palette of 16 colours, three of them transparent; the other types are refused with one, or may have it.
        Bytes input{choice, look, static_cast<std::uint8_t>(1 + look),
                    9,      200,  colour == 2 ? std::uint8_t{2} : std::uint8_t{0}};
        if (colour == 2) {
          input.insert(input.end(), {0, 48});
          for (std::uint8_t i = 0; i < 48; ++i) input.push_back(static_cast<std::uint8_t>(5 * i));
          input.insert(input.end(), {1, 3, 0, 100, 255});
        }
        for (std::uint8_t i = 0; i < 50; ++i) input.push_back(static_cast<std::uint8_t>(i * i));
        all.push_back(std::move(input));
      }
  all.push_back({1, 3, 4, 4, 100, 1, 1, 2, 0, 7, 1, 7, 3});  // a transparent grey
  all.push_back({9, 8, 30, 30, 100, 0, 1, 2, 3, 4});         // cut in the file
  all.push_back({16, 8, 30, 30, 100, 0, 1, 2, 3, 4});        // and in its rows
  all.push_back({4, 8, 3, 3, 100, 0, 77, 2, 3, 4});          // a filter that there is not
  return all;
}

}  // namespace

std::vector<Target> image_targets() { return {{"image", image, images}, {"png", png, pngs}}; }

}  // namespace saccade::fuzz
