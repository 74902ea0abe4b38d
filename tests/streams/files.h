#pragma once
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/tools/temporary_folder.h"

/// Files for the tests of data sets, in a folder that goes away.
namespace saccade::test {

using Bytes = std::vector<std::uint8_t>;

inline void write_file(const std::filesystem::path& file, const Bytes& bytes) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline Bytes gzip(const Bytes& bytes) {
  z_stream deflater{};
  deflateInit2(&deflater, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&deflater, bytes.size()) + 32);
  deflater.next_in = const_cast<std::uint8_t*>(bytes.data());
  deflater.avail_in = static_cast<uInt>(bytes.size());
  deflater.next_out = out.data();
  deflater.avail_out = static_cast<uInt>(out.size());
  deflate(&deflater, Z_FINISH);
  out.resize(deflater.total_out);
  deflateEnd(&deflater);
  return out;
}

inline void append_big_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// An IDX file of unsigned bytes.
inline Bytes idx(const std::vector<std::uint32_t>& shape, const Bytes& data) {
  Bytes bytes;
  append_big_endian(bytes, 0x0800 | static_cast<std::uint32_t>(shape.size()));
  for (std::uint32_t extent : shape) append_big_endian(bytes, extent);
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

/// Deterministic bytes without a pattern that a mistake in the order of loops could keep.
inline Bytes noise(std::size_t count, std::uint32_t seed) {
  Bytes bytes(count);
  std::uint32_t state = seed * 2654435761u + 1;
  for (auto& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

/// The message of the exception that `call` throws; empty if it throws none of that type.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// One line, with each of the parts in it.
inline bool says(const std::string& message, const std::vector<std::string>& parts) {
  bool all = !message.empty() && message.find('\n') == std::string::npos;
  for (const auto& part : parts) all = all && message.find(part) != std::string::npos;
  return all;
}

}  // namespace saccade::test
