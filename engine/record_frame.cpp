#include "engine/record_frame.h"

#include <algorithm>
#include <stdexcept>

#include "engine/crc32c.h"
#include "engine/error.h"

namespace saccade::frame {
namespace {

constexpr std::array<std::uint8_t, 8> magic{'S', 'A', 'C', 'C', 'A', 'D', 'E', 0x1a};
constexpr std::uint32_t version = 1;
constexpr std::uint32_t marker = 0x43455253;  // "SREC"
constexpr std::size_t kind_bytes = 16;

void put(std::uint8_t* to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint32_t get(const std::uint8_t* from) {
  std::uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | from[i];
  return value;
}

std::uint32_t header_crc(ByteSpan header) { return crc32c(header.subspan(16), crc32c(header.first(12))); }

/// `body` is what follows the CRC: payload and padding.
std::uint32_t record_crc(std::uint64_t position, const std::uint8_t* length_and_type, ByteSpan body) {
  std::array<std::uint8_t, 16> head;
  put(head.data(), position, 8);
  std::copy(length_and_type, length_and_type + 8, head.begin() + 8);
  return crc32c(body, crc32c(head));
}

std::string printable(ByteSpan bytes) {
  std::string text;
  for (std::uint8_t byte : bytes) {
    if (byte == 0) break;
    text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
  }
  return text;
}

}  // namespace

std::array<std::uint8_t, record_file_header_bytes> file_header(std::string_view kind) {
  if (kind.empty() || kind.size() > kind_bytes) throw std::length_error("record file: a kind has 1 to 16 characters");
  std::array<std::uint8_t, record_file_header_bytes> header{};
  std::copy(magic.begin(), magic.end(), header.begin());
  put(header.data() + 8, version, 4);
  std::copy(kind.begin(), kind.end(), header.begin() + 16);
  put(header.data() + 12, header_crc(header), 4);
  return header;
}

std::optional<std::string> kind_of(ByteSpan header, const std::string& what) {
  const std::size_t common = std::min(header.size(), magic.size());
  if (!std::equal(magic.begin(), magic.begin() + static_cast<std::ptrdiff_t>(common), header.begin())) {
    throw InputError(what + ": position 0: got \"" + printable(header.first(common)) +
                     "\", expected \"SACCADE\": not a file of this program");
  }
  if (header.size() < record_file_header_bytes) return std::nullopt;
  if (get(&header[12]) != header_crc(header.first(record_file_header_bytes))) {
    throw InputError(what + ": position 12: the header is damaged: its checksum differs");
  }
  if (get(&header[8]) != version) {
    throw InputError(what + ": position 8: got version " + std::to_string(get(&header[8])) + ", expected version " +
                     std::to_string(version) +
                     (get(&header[8]) > version ? ": made by a newer program, which can read it" : ""));
  }
  return printable(header.subspan(16, kind_bytes));
}

void check_kind(std::string_view found, std::string_view expected, const std::string& what) {
  if (found != expected)
    throw InputError(what + ": got a file of kind \"" + std::string(found) + "\", expected kind \"" +
                     std::string(expected) + "\"");
}

std::uint32_t append(Bytes& to, std::uint64_t position, std::uint32_t type, ByteSpan payload) {
  if (payload.size() > largest_payload)
    throw std::length_error("a record of " + std::to_string(payload.size()) + " bytes exceeds the limit of " +
                            std::to_string(largest_payload));
  const std::size_t start = to.size(), body = static_cast<std::size_t>(padded(payload.size()));
  to.resize(start + record_header_bytes + body);
  std::uint8_t* record = to.data() + start;
  put(record, marker, 4);
  put(record + 4, payload.size(), 4);
  put(record + 8, type, 4);
  std::copy(payload.begin(), payload.end(), record + record_header_bytes);
  const std::uint32_t crc = record_crc(position, record + 4, {record + record_header_bytes, body});
  put(record + 12, crc, 4);
  return crc;
}

std::optional<std::uint32_t> payload_length(ByteSpan header) {
  if (get(header.data()) != marker) return std::nullopt;
  return get(header.data() + 4);
}

std::optional<Record> record(ByteSpan whole, std::uint64_t position) {
  const std::uint32_t crc = get(whole.data() + 12);
  if (crc != record_crc(position, whole.data() + 4, whole.subspan(record_header_bytes))) return std::nullopt;
  return Record{get(whole.data() + 8), crc, position, whole.subspan(record_header_bytes, get(whole.data() + 4))};
}

}  // namespace saccade::frame
