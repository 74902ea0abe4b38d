#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "streams/picture.h"

/// Images from PNG files (libpng) and JPEG files (libjpeg-turbo); the content tells which, not the name.
///
/// Every pixel is that of the file, without correction of gamma or colour profile and without rotation by EXIF.
/// Palettes are looked up, fewer than 8 bits spread to 0 .. 255, 16 bits rounded to 8. What is transparent is laid over
/// black: (colour * alpha + 127) / 255 in integers, alpha after its rounding to 8 bits. JPEG is decoded with the
/// accurate integer transform, whose bits do not depend on the machine. CMYK JPEG is refused.
///
/// Damage of any kind is an InputError that names the file: a bad checksum, data that end early, and what libjpeg only
/// warns of (it would fill the rest with grey).
namespace saccade {

/// Larger files and images are refused before anything is allocated for them, and so is a PNG that declares more pixels
/// than deflate could hold in its bytes.
inline constexpr std::uint64_t largest_image_file = std::uint64_t{1} << 28;    ///< bytes
inline constexpr std::uint64_t largest_image_pixels = std::uint64_t{1} << 26;  ///< 8192 x 8192
inline constexpr std::uint64_t largest_image_side = 65535;                     ///< JPEG has no larger ones

/// The image as grey or RGB, as `channels` = 1 or 3 asks. A grey image has its value in all three channels; a colour
/// image's grey is its luma, (19595 red + 38470 green + 7471 blue + 32768) >> 16 (ITU-R BT.601).
Picture read_image(const std::filesystem::path& file, int channels);

/// The same from a file's bytes; `name` stands for it in messages.
Picture decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name);

}  // namespace saccade
