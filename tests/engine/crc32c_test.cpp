#include "engine/crc32c.h"

#include <doctest/doctest.h>

#include <boost/crc.hpp>
#include <numeric>
#include <vector>

namespace {

using saccade::crc32c;

TEST_CASE("CRC-32C gives the vectors of RFC 3720, appendix B.4") {
  std::vector<std::uint8_t> bytes(32, 0x00);
  CHECK(crc32c(bytes) == 0x8a9136aau);
  bytes.assign(32, 0xff);
  CHECK(crc32c(bytes) == 0x62a8ab43u);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  CHECK(crc32c(bytes) == 0x46dd794eu);
  CHECK(crc32c({}) == 0u);
}

TEST_CASE("it agrees with Boost's for all lengths and alignments, and in pieces") {
  std::vector<std::uint8_t> bytes(80);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i + 7 * i);
  for (std::size_t first = 0; first < 9; ++first) {
    for (std::size_t size = 0; first + size <= bytes.size(); ++size) {
      const std::span piece(bytes.data() + first, size);
      boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> other;
      other.process_bytes(piece.data(), piece.size());
      REQUIRE(crc32c(piece) == other.checksum());
      REQUIRE(crc32c(piece.subspan(size / 3), crc32c(piece.first(size / 3))) == other.checksum());
    }
  }
}

}  // namespace
