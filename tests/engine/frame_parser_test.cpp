#include "engine/frame_parser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "engine/error.h"

namespace saccade {
namespace {

using Payloads = std::vector<std::vector<std::uint8_t>>;

constexpr std::uint32_t most = 64;

/// Records of 0 to 40 bytes, with every padding.
frame::Bytes sample_session(Payloads& payloads) {
  const auto header = frame::file_header("views");
  frame::Bytes bytes(header.begin(), header.end());
  for (const std::size_t size : {0, 1, 7, 8, 9, 40}) {
    std::vector<std::uint8_t> payload(size);
    std::iota(payload.begin(), payload.end(), static_cast<std::uint8_t>(3 * size));
    frame::append(bytes, bytes.size(), static_cast<std::uint32_t>(payloads.size()), payload);
    payloads.push_back(std::move(payload));
  }
  return bytes;
}

/// What comes out before more is needed, or before the error.
Payloads take(FrameParser& parser, std::string& error) {
  Payloads taken;
  try {
    while (const auto record = parser.next()) {
      CHECK(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8 == 0);
      CHECK(record->type == taken.size());
      taken.emplace_back(record->payload.begin(), record->payload.end());
    }
  } catch (const InputError& e) {
    error = e.what();
  }
  return taken;
}

bool is_prefix(const Payloads& part, const Payloads& all) {
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

std::string error_of(frame::Bytes bytes) {
  FrameParser parser("peer", "views", most);
  parser.feed(bytes);
  std::string error, again;
  take(parser, error);
  take(parser, again);
  CHECK(again == error);  // for good
  return error;
}

}  // namespace

TEST_CASE("frame parser: pieces of any size give the same records") {
  Payloads expected;
  const frame::Bytes bytes = sample_session(expected);
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    CAPTURE(piece);
    FrameParser parser("peer", "views", most);
    Payloads got;
    std::string error;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      parser.feed(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)));
      while (const auto record = parser.next()) {
        CHECK(record->type == got.size());
        got.emplace_back(record->payload.begin(), record->payload.end());
      }
    }
    CHECK(got == expected);
    CHECK(parser.at_boundary());
  }
}

TEST_CASE("frame parser: cut at every byte: the whole records before, no error, and where it may end") {
  Payloads expected;
  const frame::Bytes bytes = sample_session(expected);
  std::vector<std::size_t> ends{0, record_file_header_bytes};
  for (const auto& payload : expected)
    ends.push_back(ends.back() + record_header_bytes + static_cast<std::size_t>(frame::padded(payload.size())));
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    FrameParser parser("peer", "views", most);
    parser.feed(ByteSpan(bytes).first(cut));
    std::string error;
    const Payloads got = take(parser, error);
    CHECK(error.empty());
    CHECK(is_prefix(got, expected));
    const auto whole = std::count_if(ends.begin() + 2, ends.end(), [&](std::size_t end) { return end <= cut; });
    CHECK(got.size() == static_cast<std::size_t>(whole));
    CHECK(parser.at_boundary() == (std::find(ends.begin(), ends.end(), cut) != ends.end()));
  }
}

TEST_CASE("frame parser: every flipped bit is noticed, and no record behind it is given") {
  Payloads expected;
  const frame::Bytes bytes = sample_session(expected);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    CAPTURE(bit);
    frame::Bytes damaged = bytes;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    FrameParser parser("peer", "views", most);
    parser.feed(damaged);
    std::string error;
    const Payloads got = take(parser, error);
    CHECK(is_prefix(got, expected));
    CHECK(got.size() < expected.size());
    // A length that became longer waits for bytes that do not come; every other flip is an error at once.
    CHECK((!error.empty() || !parser.at_boundary()));
  }
}

TEST_CASE("frame parser: lies and strangers are refused at once, in one line that says what was found") {
  Payloads payloads;
  const frame::Bytes session = sample_session(payloads);
  CHECK(error_of({'G', 'E', 'T'}).find("got \"GET\", expected \"SACCADE\"") != std::string::npos);
  const auto trace = frame::file_header("trace");
  CHECK(error_of({trace.begin(), trace.end()}).find("kind \"trace\"") != std::string::npos);

  const auto header = frame::file_header("views");
  frame::Bytes lie(header.begin(), header.end());
  frame::append(lie, lie.size(), 1, std::vector<std::uint8_t>(most + 1));
  lie.resize(record_file_header_bytes + record_header_bytes);  // the announcement alone
  CHECK(error_of(lie).find("65 bytes, expected at most 64") != std::string::npos);

  frame::Bytes elsewhere(header.begin(), header.end());
  frame::append(elsewhere, elsewhere.size() + 8, 1, std::vector<std::uint8_t>(8));
  CHECK(error_of(elsewhere).find("checksum") != std::string::npos);
  frame::Bytes garbage(header.begin(), header.end());
  garbage.resize(garbage.size() + record_header_bytes, 'x');
  CHECK(error_of(garbage).find("SREC") != std::string::npos);
}

}  // namespace saccade
