#include "engine/record_file.h"

#include <doctest/doctest.h>

#include <cstring>
#include <stdexcept>

#include "engine/crc32c.h"
#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_log.h"

namespace {

using namespace saccade;
using namespace saccade::testing;

const std::filesystem::path file = log_file;

TEST_CASE("records come back in order") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  const Log log = read_log(files);
  CHECK(log.entries == entries(0, log_size));
  CHECK(log.damage.empty());
  CHECK(log.end == positions.back());
  CHECK(files.size(file) == positions.back());
  CHECK(record_file_kind(files, file) == "trace");

  { RecordWriter::create(files, file, "trace"); }
  CHECK(read_log(files).entries.empty());
  CHECK(read_log(files).damage.empty());
}

TEST_CASE("the bytes are those of the header comment") {
  FaultyFileSystem files;
  { RecordWriter::create(files, file, "views").append(0x04030201, Bytes{0xaa, 0xbb, 0xcc}); }
  Bytes expected{'S', 'A', 'C', 'C', 'A', 'D', 'E', 0x1a, 1, 0, 0, 0, 0, 0, 0, 0,
                 'v', 'i', 'e', 'w', 's', 0,   0,   0,    0, 0, 0, 0, 0, 0, 0, 0};
  Bytes covered(expected.begin(), expected.begin() + 12);
  covered.insert(covered.end(), expected.begin() + 16, expected.end());
  std::uint32_t crc = crc32c(covered);
  std::memcpy(&expected[12], &crc, 4);  // the tests run on little-endian machines
  const Bytes body{3, 0, 0, 0, 1, 2, 3, 4};
  const Bytes payload{0xaa, 0xbb, 0xcc, 0, 0, 0, 0, 0};
  covered = {32, 0, 0, 0, 0, 0, 0, 0};
  covered.insert(covered.end(), body.begin(), body.end());
  covered.insert(covered.end(), payload.begin(), payload.end());
  crc = crc32c(covered);
  for (const char c : {'S', 'R', 'E', 'C'}) expected.push_back(static_cast<std::uint8_t>(c));
  expected.insert(expected.end(), body.begin(), body.end());
  for (int i = 0; i < 4; ++i) expected.push_back(static_cast<std::uint8_t>(crc >> (8 * i)));
  expected.insert(expected.end(), payload.begin(), payload.end());
  CHECK(files.bytes(file) == expected);
}

TEST_CASE("a log cut at any byte gives the records before the cut and the exact loss") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  const Bytes whole = files.bytes(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    files.put(file, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    if (size < record_file_header_bytes) {
      REQUIRE_THROWS_AS(read_log(files), InputError);
      continue;
    }
    std::size_t complete = 0;
    while (positions[complete + 1] <= size) ++complete;
    const Log log = read_log(files);
    REQUIRE(log.entries == entries(0, complete));
    REQUIRE(log.end == positions[complete]);
    REQUIRE(log.lost() == size - positions[complete]);
    REQUIRE(log.damage.size() == (size > positions[complete] ? 1 : 0));
    if (!log.damage.empty()) REQUIRE(log.damage[0].tail);
  }
}

TEST_CASE("any flipped bit costs the record that holds it, and is reported") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  const Bytes whole = files.bytes(file);
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(byte);
      CAPTURE(bit);
      Bytes changed = whole;
      changed[byte] = static_cast<std::uint8_t>(changed[byte] ^ (1 << bit));
      files.put(file, changed);
      if (byte < record_file_header_bytes) {
        REQUIRE_THROWS_AS(read_log(files), InputError);
        continue;
      }
      std::size_t hit = 0;
      while (positions[hit + 1] <= byte) ++hit;
      auto expected = entries(0, hit);
      for (std::size_t i = hit + 1; i < log_size; ++i) expected.push_back(entry(i));
      const Log log = read_log(files);
      REQUIRE(log.entries == expected);
      REQUIRE(log.damage.size() == 1);
      REQUIRE(log.damage[0].position == positions[hit]);
      REQUIRE(log.damage[0].bytes == positions[hit + 1] - positions[hit]);
      REQUIRE(log.damage[0].tail == (hit + 1 == log_size));
    }
  }
}

TEST_CASE("several damages are reported one by one") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  auto& bytes = files.bytes(file);
  bytes[positions[2]] ^= 1;
  bytes[positions[5] + 13] ^= 1;
  bytes[positions[6] + 4] ^= 0x80;
  const Log log = read_log(files);
  CHECK(log.entries.size() == log_size - 3);
  REQUIRE(log.damage.size() == 2);
  CHECK(log.damage[0].position == positions[2]);
  CHECK(log.damage[1].bytes == positions[7] - positions[5]);
  CHECK(describe(log.damage[0]) ==
        std::to_string(positions[3] - positions[2]) + " bytes lost at position " + std::to_string(positions[2]));
}

TEST_CASE("a record inside a payload, or in another place, is no record of the file") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  const Bytes whole = files.bytes(file);
  {
    auto writer = RecordWriter::create(files, file, "trace");
    writer.append(1, whole);
    writer.append(2, Bytes{2});
  }
  files.bytes(file)[record_file_header_bytes + 4] ^= 1;  // the reader has to search through the payload
  const Log log = read_log(files);
  CHECK(log.entries == std::vector<Entry>{{2, {2}}});
  CHECK(log.damage.size() == 1);
}

TEST_CASE("a length that someone made up allocates nothing") {
  for (const std::uint32_t length :
       {0xffffffffu, 0xfffffff9u, 0x80000000u, largest_payload + 1, largest_payload, 1000u}) {
    FaultyFileSystem files;
    const auto positions = write_log(files);
    std::memcpy(&files.bytes(file)[positions[0] + 4], &length, 4);
    const Log log = read_log(files);
    CHECK(log.entries == entries(1, log_size));
    CHECK(log.lost() == positions[1] - positions[0]);
  }
}

TEST_CASE("what is not ours is refused with what was found and expected") {
  FaultyFileSystem files;
  const auto message = [&](Bytes bytes) {
    files.put(file, std::move(bytes));
    try {
      RecordReader(files, file, "trace");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(message({}) == "run/log: position 0: got \"\", expected \"SACCADE\": not a file of this program");
  CHECK(message({0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0}) ==
        "run/log: position 0: got \"?PNG????\", expected \"SACCADE\": not a file of this program");
  CHECK(message({'S', 'A', 'C'}) == "run/log: got 3 bytes, expected a header of 32 bytes: the file is torn");
  write_log(files);
  Bytes bytes = files.bytes(file);
  bytes[20] ^= 4;
  CHECK(message(bytes) == "run/log: position 12: the header is damaged: its checksum differs");
  bytes[20] ^= 4;
  bytes[8] = 2;
  Bytes covered(bytes.begin(), bytes.begin() + 12);
  covered.insert(covered.end(), bytes.begin() + 16, bytes.begin() + 32);
  const std::uint32_t crc = crc32c(covered);
  std::memcpy(&bytes[12], &crc, 4);
  CHECK(message(bytes) ==
        "run/log: position 8: got version 2, expected version 1: made by a newer program, which can read it");
  { RecordWriter::create(files, file, "views"); }
  CHECK(message(files.bytes(file)) == "run/log: got a file of kind \"views\", expected kind \"trace\"");
  CHECK_THROWS_AS(RecordReader(files, "run/none", "trace"), InputError);
  CHECK_THROWS_AS(RecordWriter::create(files, file, "seventeen letters"), std::length_error);
  CHECK_THROWS_AS(RecordWriter::create(files, file, ""), std::length_error);
}

}  // namespace
