#include "tools/export/safetensors_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {
namespace {

[[noreturn]] void refuse_system(const std::filesystem::path& file, const char* what) {
  throw SystemError(fmt::format("{}: cannot {}: {}", file.string(), what, std::strerror(errno)));
}

}  // namespace

SafeTensorsStream::SafeTensorsStream(const std::filesystem::path& file, std::vector<TensorEntry> entries,
                                     const std::map<std::string, std::string>& metadata)
    : file_(file), temporary_(file), entries_(std::move(entries)) {
  const std::string header = safetensors_header(entries_, metadata);
  bytes_ = header.size();
  for (const TensorEntry& entry : entries_) {
    next_.push_back(bytes_);
    end_.push_back(bytes_ += entry.bytes());
  }
  temporary_ += ".tmp";
  real_files().create(temporary_)->close();  // whose errors say whose fault it is
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor_ < 0) refuse_system(temporary_, "open");
  write(header.data(), header.size(), 0);
}

SafeTensorsStream::~SafeTensorsStream() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void SafeTensorsStream::append(std::size_t tensor, std::span<const float> values) {
  append(tensor, values.data(), values.size_bytes(), false);
}

void SafeTensorsStream::append(std::size_t tensor, std::span<const std::int64_t> values) {
  append(tensor, values.data(), values.size_bytes(), true);
}

void SafeTensorsStream::append(std::size_t tensor, const void* data, std::size_t bytes, bool integers) {
  if (entries_.at(tensor).integers != integers || bytes > end_[tensor] - next_[tensor])
    throw std::invalid_argument("SafeTensorsStream: these values do not belong to " + entries_[tensor].name);
  write(data, bytes, next_[tensor]);
  next_[tensor] += bytes;
}

void SafeTensorsStream::write(const void* data, std::size_t bytes, std::uint64_t at) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::pwrite(descriptor_, from, bytes, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse_system(temporary_, "write");
    from += written;
    bytes -= static_cast<std::size_t>(written);
    at += static_cast<std::uint64_t>(written);
  }
}

void SafeTensorsStream::finish() {
  if (next_ != end_) throw std::logic_error("SafeTensorsStream: a tensor is not complete");
  if (::fsync(descriptor_) != 0) refuse_system(temporary_, "sync");
  real_files().rename(temporary_, file_);
  ::close(descriptor_);
  descriptor_ = -1;
  real_files().sync_directory(file_.parent_path());
}

}  // namespace saccade
