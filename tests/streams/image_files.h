#pragma once
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <jpeglib.h>  // needs <cstdio>

#include "streams/files.h"

/// Image files, good and bad. PNGs are put together here, chunk by chunk, without libpng.
namespace saccade::test {

inline Bytes png_chunk(const std::string& type, const Bytes& data) {
  Bytes chunk;
  append_big_endian(chunk, static_cast<std::uint32_t>(data.size()));
  chunk.insert(chunk.end(), type.begin(), type.end());
  chunk.insert(chunk.end(), data.begin(), data.end());
  append_big_endian(chunk, static_cast<std::uint32_t>(crc32(0, chunk.data() + 4, static_cast<uInt>(data.size() + 4))));
  return chunk;
}

inline Bytes deflated(const Bytes& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  Bytes out(size);
  compress2(out.data(), &size, bytes.data(), static_cast<uLong>(bytes.size()), 9);
  out.resize(size);
  return out;
}

/// The types of PNG.
enum class Colour : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgb_alpha = 6 };

struct PngHeader {
  std::uint32_t height = 1, width = 1;
  std::uint8_t depth = 8;
  Colour colour = Colour::grey;
  bool interlaced = false;
};

/// `scanlines`: what is deflated into IDAT, each row behind a filter byte. `between`: chunks before it.
inline Bytes png_of(const PngHeader& header, const Bytes& scanlines, const Bytes& between = {}) {
  Bytes file{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, start;
  append_big_endian(start, header.width);
  append_big_endian(start, header.height);
  for (const int byte : {int{header.depth}, static_cast<int>(header.colour), 0, 0, int{header.interlaced}})
    start.push_back(static_cast<std::uint8_t>(byte));
  for (const Bytes& part :
       {png_chunk("IHDR", start), between, png_chunk("IDAT", deflated(scanlines)), png_chunk("IEND", {})})
    file.insert(file.end(), part.begin(), part.end());
  return file;
}

/// Rows of `row_bytes`, a filter byte of 0 before each.
inline Bytes scanlines(const Bytes& rows, std::size_t row_bytes) {
  Bytes out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % row_bytes == 0) out.push_back(0);
    out.push_back(rows[i]);
  }
  return out;
}

/// 8 bits, grey (1 channel) or RGB (3).
inline Bytes png_file(int height, int width, int channels, const Bytes& pixels) {
  return png_of({static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width), 8,
                 channels == 1 ? Colour::grey : Colour::rgb},
                scanlines(pixels, static_cast<std::size_t>(width) * static_cast<std::size_t>(channels)));
}

/// Of a JPEG: one of all channels, one for each channel, or coarse to fine.
enum class Scans { one, separate, progressive };

/// channels 1 (grey), 3 (RGB) or 4 (CMYK).
inline Bytes jpeg_file(int height, int width, int channels, Bytes pixels, Scans scans = Scans::one) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &memory, &size);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 95, TRUE);
  const jpeg_scan_info separate[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  if (scans == Scans::separate) jpeg.scan_info = separate, jpeg.num_scans = channels;
  if (scans == Scans::progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row =
        pixels.data() + jpeg.next_scanline * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  Bytes file(memory, memory + size);
  std::free(memory);
  return file;
}

/// A picture that survives JPEG: smooth in both directions.
inline Bytes ramp(int height, int width, int channels) {
  Bytes pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels.push_back(static_cast<std::uint8_t>(40 + 40 * c + (70 * y) / height + (50 * x) / width));
  return pixels;
}

}  // namespace saccade::test
