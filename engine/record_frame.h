#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/record_file.h"

/// The framing of engine/record_file.h as bytes, for whoever writes or reads them: files, and connections, over which
/// the same bytes go.
namespace saccade::frame {

using Bytes = std::vector<std::uint8_t>;

inline std::uint64_t padded(std::uint64_t size) { return (size + 7) / 8 * 8; }

/// std::length_error for a kind that is empty or has more than 16 characters.
std::array<std::uint8_t, record_file_header_bytes> file_header(std::string_view kind);
/// The kind in a header, of which the first bytes may be all that is there: nothing while more are needed. InputError,
/// naming `what`, as soon as they are not ours.
std::optional<std::string> kind_of(ByteSpan header, const std::string& what);
/// InputError when it is not the kind that is expected.
void check_kind(std::string_view found, std::string_view expected, const std::string& what);

/// Appends a record, which will stand at `position` of its file or connection. Returns its CRC. std::length_error for
/// more than largest_payload.
std::uint32_t append(Bytes& to, std::uint64_t position, std::uint32_t type, ByteSpan payload);

/// Of a record's header: nothing when there is no marker.
std::optional<std::uint32_t> payload_length(ByteSpan header);
/// A record with all of its bytes; nothing when its CRC differs.
std::optional<Record> record(ByteSpan whole, std::uint64_t position);

}  // namespace saccade::frame
