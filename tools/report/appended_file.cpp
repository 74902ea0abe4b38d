#include "tools/report/appended_file.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {
namespace {

constexpr std::size_t buffer_limit = 4096;

}  // namespace

AppendedFile::AppendedFile(const std::filesystem::path& file, std::string_view header,
                           std::optional<std::uint64_t> keep_bytes, FileSystem& files) {
  if (keep_bytes) {
    const std::uint64_t size = files.exists(file) ? files.size(file) : 0;
    if (size < *keep_bytes)
      throw InputError(
          fmt::format("{}: found {} bytes, the checkpoint expects at least {}", file.string(), size, *keep_bytes));
    if (size > *keep_bytes) files.truncate(file, *keep_bytes);
    bytes_ = *keep_bytes;
  }
  out_ = bytes_ > 0 ? files.append(file) : files.create(file);
  if (bytes_ > 0) return;
  write(header);
  write("\n");
}

AppendedFile::~AppendedFile() {
  try {
    flush();
  } catch (...) {
    // A destructor cannot report; sync() does.
  }
}

void AppendedFile::write(std::string_view text) {
  waiting_ += text;
  bytes_ += text.size();
  if (waiting_.size() >= buffer_limit) flush();
}

void AppendedFile::flush() {
  if (waiting_.empty()) return;
  out_->write({reinterpret_cast<const std::uint8_t*>(waiting_.data()), waiting_.size()});
  waiting_.clear();
}

void AppendedFile::sync() {
  flush();
  out_->sync();
}

}  // namespace saccade
