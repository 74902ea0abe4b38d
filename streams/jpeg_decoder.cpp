#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it

#include <jpeglib.h>

#include "engine/error.h"
#include "streams/image_decoders.h"

namespace saccade {
namespace {

/// A file may repeat its scans at the cost of a few bytes each, and each costs a pass over the image.
constexpr int most_scans = 500;

/// libjpeg's state of one image. Its errors jump: only `guarded` calls what may fail, from functions whose locals have
/// no destructors, and turns the jump into an exception.
class JpegReader {
 public:
  JpegReader(std::span<const std::uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = on_error;
    errors_.emit_message = [](j_common_ptr jpeg, int level) {
      if (level < 0) on_error(jpeg);  // damaged or truncated data
    };
    progress_.progress_monitor = on_progress;
  }
  ~JpegReader() { jpeg_destroy_decompress(&jpeg_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  Picture read() {
    guarded([this] {
      jpeg_create_decompress(&jpeg_);
      jpeg_.progress = &progress_;
      jpeg_mem_src(&jpeg_, bytes_.data(), bytes_.size());
      jpeg_read_header(&jpeg_, TRUE);
    });
    check_image_size(jpeg_.image_height, jpeg_.image_width, name_);
    const bool grey = jpeg_.jpeg_color_space == JCS_GRAYSCALE;
    if (!grey && jpeg_.jpeg_color_space != JCS_YCbCr && jpeg_.jpeg_color_space != JCS_RGB)
      throw InputError(
          fmt::format("{}: a JPEG of {} channels in CMYK or another colour space, expected grey or RGB; "
                      "convert it",
                      name_, jpeg_.num_components));
    jpeg_.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_.dct_method = JDCT_ISLOW;
    Picture picture{static_cast<int>(jpeg_.image_height), static_cast<int>(jpeg_.image_width), grey ? 1 : 3, {}};
    const std::size_t row = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
    picture.bytes.resize(row * static_cast<std::size_t>(picture.height));
    std::uint8_t* to = picture.bytes.data();
    guarded([&] {
      jpeg_start_decompress(&jpeg_);
      while (jpeg_.output_scanline < jpeg_.output_height) {
        JSAMPROW rows[] = {to + jpeg_.output_scanline * row};
        jpeg_read_scanlines(&jpeg_, rows, 1);
      }
      jpeg_finish_decompress(&jpeg_);
    });
    return picture;
  }

 private:
  template <class F>
  void guarded(const F& step) {
    if (setjmp(jump_)) throw InputError(fmt::format("{}: damaged JPEG: {}; expected an intact file", name_, message_));
    step();
  }

  [[noreturn]] static void on_error(j_common_ptr jpeg) {
    auto& self = *static_cast<JpegReader*>(jpeg->client_data);
    jpeg->err->format_message(jpeg, self.message_);
    std::longjmp(self.jump_, 1);
  }
  static void on_progress(j_common_ptr jpeg) {
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= most_scans) return;
    auto& self = *static_cast<JpegReader*>(jpeg->client_data);
    std::snprintf(self.message_, sizeof self.message_, "more than %d scans", most_scans);
    std::longjmp(self.jump_, 1);
  }

  std::span<const std::uint8_t> bytes_;
  const std::string& name_;
  char message_[JMSG_LENGTH_MAX] = {};
  std::jmp_buf jump_;
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

Picture decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name) {
  return JpegReader(bytes, name).read();
}

}  // namespace saccade
