#include "tools/report/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <stdexcept>

namespace saccade {

std::vector<std::uint8_t> encode_png(const Picture& picture) {
  const auto expected = static_cast<std::size_t>(std::max(picture.height, 0)) *
                        static_cast<std::size_t>(std::max(picture.width, 0)) *
                        static_cast<std::size_t>(picture.channels);
  if (picture.height < 1 || picture.width < 1 || (picture.channels != 1 && picture.channels != 3) ||
      picture.bytes.size() != expected)
    throw std::invalid_argument(fmt::format("encode_png: {} bytes for {}x{} pixels of {} channels",
                                            picture.bytes.size(), picture.height, picture.width, picture.channels));
  // libpng's simplified interface reports errors by return value, so that no longjmp crosses C++ objects.
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  if (!png_image_write_get_memory_size(image, size, 0, picture.bytes.data(), 0, nullptr))
    throw std::runtime_error(fmt::format("encode_png: {}", image.message));
  std::vector<std::uint8_t> file(size);
  if (!png_image_write_to_memory(&image, file.data(), &size, 0, picture.bytes.data(), 0, nullptr))
    throw std::runtime_error(fmt::format("encode_png: {}", image.message));
  file.resize(size);
  return file;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < n ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; ++j) text += j <= n ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string png_data_uri(const Picture& picture) { return "data:image/png;base64," + base64(encode_png(picture)); }

}  // namespace saccade
