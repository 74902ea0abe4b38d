#include <fmt/format.h>
#include <png.h>

#include <cstring>

#include "engine/error.h"
#include "streams/byte_source.h"
#include "streams/image_decoders.h"

namespace saccade {
namespace {

/// libpng's state of one image. Its errors jump: only `guarded` calls what may fail, from functions whose locals have
/// no destructors, and turns the jump into an exception.
class PngReader {
 public:
  PngReader(std::span<const std::uint8_t> bytes, const std::string& name) : left_(bytes), name_(name) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();
    }
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  Picture read() {
    const std::uint64_t file_bytes = left_.size();
    guarded([this] {
      png_set_read_fn(png_, this, on_read);
      png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // check_image_size has a clearer message
      png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
      png_read_info(png_, info_);
    });
    const std::uint64_t height = png_get_image_height(png_, info_), width = png_get_image_width(png_, info_);
    check_image_size(height, width, name_);
    const std::uint64_t packed =
        height * (png_get_rowbytes(png_, info_) + 1);  // a filter byte a row; more if interlaced
    if (packed / largest_deflate_ratio > file_bytes)
      throw InputError(fmt::format("{}: {} bytes of PNG cannot hold the {}x{} pixels that it declares; damaged", name_,
                                   file_bytes, height, width));
    guarded([this] {
      png_set_expand(png_);  // palette, few bits, transparent colour
      png_set_scale_16(png_);
      png_set_interlace_handling(png_);
      png_read_update_info(png_, info_);
    });
    const std::size_t row = png_get_rowbytes(png_, info_);
    std::vector<std::uint8_t> bytes(row * height);
    std::vector<std::uint8_t*> rows(height);
    for (std::size_t i = 0; i < height; ++i) rows[i] = bytes.data() + i * row;
    guarded([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    Picture picture{static_cast<int>(height), static_cast<int>(width), png_get_channels(png_, info_), std::move(bytes)};
    if (picture.channels == 2 || picture.channels == 4) lay_over_black(picture);
    return picture;
  }

 private:
  template <class F>
  void guarded(const F& step) {
    if (setjmp(png_jmpbuf(png_)))
      throw InputError(fmt::format("{}: damaged PNG: {}; expected an intact file", name_, message_));
    step();
  }

  static void lay_over_black(Picture& picture) {
    const int colours = picture.channels - 1;
    const std::uint8_t* from = picture.bytes.data();
    const std::uint8_t* end = from + picture.bytes.size();
    std::uint8_t* to = picture.bytes.data();
    for (; from != end; from += picture.channels)
      for (int c = 0; c < colours; ++c) *to++ = static_cast<std::uint8_t>((from[c] * from[colours] + 127) / 255);
    picture.bytes.resize(picture.bytes.size() / static_cast<std::size_t>(picture.channels) *
                         static_cast<std::size_t>(colours));
    picture.channels = colours;
  }

  static void on_read(png_structp png, png_bytep to, std::size_t count) {
    auto& left = static_cast<PngReader*>(png_get_io_ptr(png))->left_;
    if (count > left.size()) png_error(png, "truncated");
    std::memcpy(to, left.data(), count);
    left = left.subspan(count);
  }
  [[noreturn]] static void on_error(png_structp png, png_const_charp message) {
    auto& self = *static_cast<PngReader*>(png_get_error_ptr(png));
    std::strncpy(self.message_, message, sizeof self.message_ - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}  // odd colour profiles and the like, which are not used

  std::span<const std::uint8_t> left_;
  const std::string& name_;
  char message_[128] = {};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Picture decode_png(std::span<const std::uint8_t> bytes, const std::string& name) {
  return PngReader(bytes, name).read();
}

}  // namespace saccade
