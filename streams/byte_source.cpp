#include "streams/byte_source.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <vector>

#include "engine/error.h"

namespace saccade {
namespace {

class PlainFile final : public ByteSource {
 public:
  explicit PlainFile(const std::filesystem::path& file) : file_(file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) throw InputError(fmt::format("{}: no such file", file.string()));
    if (!std::filesystem::is_regular_file(status)) {
      throw InputError(fmt::format("{}: not a regular file, expected a data file", file.string()));
    }
    size_ = std::filesystem::file_size(file, error);
    if (error) throw InputError(fmt::format("{}: {}", file.string(), error.message()));
    stream_.open(file, std::ios::binary);
    if (!stream_) throw InputError(fmt::format("{}: cannot be opened: {}", file.string(), std::strerror(errno)));
  }

  std::size_t read(std::uint8_t* to, std::size_t bytes) override {
    stream_.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (stream_.bad()) throw InputError(fmt::format("{}: reading failed after byte {}", file_.string(), position_));
    const auto got = static_cast<std::size_t>(stream_.gcount());
    position_ += got;
    return got;
  }

  std::optional<std::uint64_t> size() const override { return size_; }
  std::uint64_t size_limit() const override { return size_; }

 private:
  std::filesystem::path file_;
  std::ifstream stream_;
  std::uint64_t size_ = 0;
  std::uint64_t position_ = 0;
};

class GzipFile final : public ByteSource {
 public:
  explicit GzipFile(const std::filesystem::path& file) : name_(file.string()), compressed_(file) {
    constexpr int gzip_window_bits = 15 + 16;  // zlib.h: +16 means a gzip wrapper and nothing else
    if (inflateInit2(&inflater_, gzip_window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~GzipFile() override { inflateEnd(&inflater_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  std::size_t read(std::uint8_t* to, std::size_t bytes) override {
    std::size_t got = 0;
    while (got < bytes && more_input()) {
      const auto room = std::min<std::size_t>(bytes - got, std::numeric_limits<uInt>::max());
      inflater_.next_out = to + got;
      inflater_.avail_out = static_cast<uInt>(room);
      const int result = inflate(&inflater_, Z_NO_FLUSH);
      got += room - inflater_.avail_out;
      if (result == Z_STREAM_END) {
        inside_member_ = false;
      } else if (result != Z_OK) {
        throw InputError(
            fmt::format("{}: damaged gzip data near byte {} ({}); expected an intact .gz file, "
                        "download it again",
                        name_, consumed(), inflater_.msg ? inflater_.msg : "unexpected end of a block"));
      }
    }
    return got;
  }

  std::optional<std::uint64_t> size() const override { return std::nullopt; }
  std::uint64_t size_limit() const override { return compressed_.size_limit() * largest_deflate_ratio; }

 private:
  std::uint64_t consumed() const { return filled_ - inflater_.avail_in; }

  /// Sees to it that the inflater has input; false at the end of the file between two members.
  bool more_input() {
    if (inflater_.avail_in == 0) {
      const std::size_t got = compressed_.read(buffer_.data(), buffer_.size());
      filled_ += got;
      inflater_.next_in = buffer_.data();
      inflater_.avail_in = static_cast<uInt>(got);
      if (got == 0 && !inside_member_) return false;
      if (got == 0) {
        throw InputError(fmt::format("{}: truncated: the file ends at byte {} inside its gzip data; download it again",
                                     name_, filled_));
      }
    }
    if (!inside_member_) {
      inflateReset(&inflater_);
      inside_member_ = true;
    }
    return true;
  }

  std::string name_;
  PlainFile compressed_;
  z_stream inflater_{};
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(std::size_t{1} << 16);
  std::uint64_t filled_ = 0;   // compressed bytes read so far
  bool inside_member_ = true;  // an empty file is a truncated one
};

}  // namespace

std::unique_ptr<ByteSource> open_plain(const std::filesystem::path& file) { return std::make_unique<PlainFile>(file); }

std::unique_ptr<ByteSource> open_gzip(const std::filesystem::path& file) { return std::make_unique<GzipFile>(file); }

}  // namespace saccade
