#include "tools/report/appended_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_system(const fs::path& file, const char* what) {
  throw SystemError(fmt::format("{}: cannot {}: {}", file.string(), what, std::strerror(errno)));
}

}  // namespace

AppendedFile::AppendedFile(const fs::path& file, std::string_view header, std::optional<std::uint64_t> keep_bytes)
    : file_(file) {
  if (keep_bytes) {
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size < *keep_bytes)
      throw InputError(fmt::format("{}: found {} bytes, the checkpoint expects at least {}", file.string(),
                                   error ? std::uintmax_t{0} : size, *keep_bytes));
    fs::resize_file(file, *keep_bytes, error);
    if (error)
      throw SystemError(fmt::format("{}: cannot cut it to {} bytes: {}", file.string(), *keep_bytes, error.message()));
    bytes_ = *keep_bytes;
  }
  out_ = std::fopen(file.c_str(), keep_bytes ? "ab" : "wb");
  if (!out_) refuse_system(file, "open");
  if (bytes_ == 0) {
    write(header);
    write("\n");
  }
}

AppendedFile::~AppendedFile() { std::fclose(out_); }

void AppendedFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out_) != text.size()) refuse_system(file_, "write");
  bytes_ += text.size();
}

void AppendedFile::sync() {
  if (std::fflush(out_) != 0 || fsync(fileno(out_)) != 0) refuse_system(file_, "sync");
}

}  // namespace saccade
