#include "streams/image_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/image_decoders.h"

namespace saccade {
namespace {

bool begins_with(std::span<const std::uint8_t> bytes, std::initializer_list<std::uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

std::string first_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return "an empty file";
  std::string text = "a file that begins with";
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(4, bytes.size())))
    text += fmt::format(" {:02x}", byte);
  return text;
}

Picture with_channels(Picture picture, int channels) {
  if (picture.channels == channels) return picture;
  Picture result{picture.height, picture.width, channels, {}};
  const std::size_t pixels = static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width);
  result.bytes.resize(pixels * static_cast<std::size_t>(channels));
  const std::uint8_t* from = picture.bytes.data();
  if (channels == 3) {
    for (std::size_t i = 0; i < pixels; ++i) std::fill_n(result.bytes.data() + 3 * i, 3, from[i]);
  } else {
    for (std::size_t i = 0; i < pixels; ++i, from += 3)
      result.bytes[i] =
          static_cast<std::uint8_t>((19595u * from[0] + 38470u * from[1] + 7471u * from[2] + 32768) >> 16);
  }
  return result;
}

}  // namespace

void check_image_size(std::uint64_t height, std::uint64_t width, const std::string& name) {
  if (height < 1 || width < 1 || height > largest_image_side || width > largest_image_side ||
      height * width > largest_image_pixels)
    throw InputError(
        fmt::format("{}: an image {} pixels high and {} wide, expected sides of 1 to {} and {} pixels at most", name,
                    height, width, largest_image_side, largest_image_pixels));
}

Picture decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name) {
  if (channels != 1 && channels != 3)
    throw std::invalid_argument(fmt::format("decode_image: {} channels, expected 1 or 3", channels));
  if (begins_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}))
    return with_channels(decode_png(bytes, name), channels);
  if (begins_with(bytes, {0xff, 0xd8, 0xff})) return with_channels(decode_jpeg(bytes, name), channels);
  throw InputError(fmt::format("{}: {}, expected a PNG or JPEG image", name, first_bytes(bytes)));
}

Picture read_image(const std::filesystem::path& file, int channels) {
  const auto source = open_plain(file);
  const std::uint64_t size = source->size().value();
  if (size > largest_image_file)
    throw InputError(
        fmt::format("{}: {} bytes, expected an image file of at most {}", file.string(), size, largest_image_file));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  if (source->read(bytes.data(), bytes.size()) != bytes.size())
    throw InputError(fmt::format("{}: truncated: the file shrank while it was read", file.string()));
  return decode_image(bytes, channels, file.string());
}

}  // namespace saccade
