#include "engine/record_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <limits>
#include <stdexcept>

#include "engine/crc32c.h"
#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"

namespace {

using namespace saccade;
using saccade::testing::Crash;
using saccade::testing::FaultyFileSystem;
using Bytes = std::vector<std::uint8_t>;

const std::filesystem::path file = "run/log";

struct Entry {
  std::uint32_t type;
  Bytes payload;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Entry i has its number in every byte and type, and all lengths around the padding occur.
Entry entry(std::size_t i) {
  return {static_cast<std::uint32_t>(100 + i), Bytes(i * 5 % 19, static_cast<std::uint8_t>(i + 1))};
}

constexpr std::size_t log_size = 12;

/// Positions of the records, and the end.
std::vector<std::uint64_t> write_log(FileSystem& files) {
  std::vector<std::uint64_t> positions;
  auto writer = RecordWriter::create(files, file, "trace");
  for (std::size_t i = 0; i < log_size; ++i) {
    positions.push_back(writer.position());
    writer.append(entry(i).type, entry(i).payload);
  }
  positions.push_back(writer.position());
  writer.close();
  return positions;
}

struct Log {
  std::vector<Entry> entries;
  std::vector<Damage> damage;
  std::uint64_t end = 0;

  std::uint64_t lost() const {
    std::uint64_t bytes = 0;
    for (const Damage& d : damage) bytes += d.bytes;
    return bytes;
  }
};

Log read_log(FileSystem& files) {
  Log log;
  RecordReader reader(files, file, "trace");
  while (const auto record = reader.next()) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8 == 0);
    log.entries.push_back({record->type, {record->payload.begin(), record->payload.end()}});
  }
  REQUIRE_FALSE(reader.next());  // the end stays the end
  log.damage = reader.damage();
  log.end = reader.end();
  return log;
}

std::vector<Entry> entries(std::size_t first, std::size_t last) {
  std::vector<Entry> result;
  for (std::size_t i = first; i < last; ++i) result.push_back(entry(i));
  return result;
}

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
  CHECK(message(bytes) == "run/log: position 8: got version 2, expected version 1");
  { RecordWriter::create(files, file, "views"); }
  CHECK(message(files.bytes(file)) == "run/log: got a file of kind \"views\", expected kind \"trace\"");
  CHECK_THROWS_AS(RecordReader(files, "run/none", "trace"), InputError);
  CHECK_THROWS_AS(RecordWriter::create(files, file, "seventeen letters"), std::length_error);
  CHECK_THROWS_AS(RecordWriter::create(files, file, ""), std::length_error);
}

TEST_CASE("a writer resumes at any earlier position; what lies beyond is gone") {
  FaultyFileSystem files;
  const auto positions = write_log(files);
  const Bytes whole = files.bytes(file);
  for (std::size_t i = 0; i <= log_size; ++i) {
    files.put(file, whole);
    {
      auto writer = RecordWriter::resume(files, file, "trace", positions[i]);
      CHECK(writer.position() == positions[i]);
      for (std::size_t k = i; k < log_size; ++k) writer.append(entry(k).type, entry(k).payload);
    }
    CHECK(files.bytes(file) == whole);
  }
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{24}, positions[1] + 1, positions.back() + 8,
                                       std::numeric_limits<std::uint64_t>::max()}) {
    CHECK_THROWS_WITH_AS(RecordWriter::resume(files, file, "trace", position),
                         doctest::Contains("cannot be continued at position"), InputError);
  }
  CHECK_THROWS_AS(RecordWriter::resume(files, file, "views", positions[1]), InputError);
  CHECK(files.bytes(file) == whole);
}

TEST_CASE("after a crash at any operation, synced records are there and no record is altered") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (int step = 1;; ++step) {
      CAPTURE(seed);
      CAPTURE(step);
      FaultyFileSystem files(seed);
      files.largest_write = 11;
      { RecordWriter::create(files, file, "trace").sync(); }
      files.sync_directory("run");
      files.crash_at = files.operations + step;
      std::size_t synced = 0;
      bool crashed = false;
      try {
        auto writer = RecordWriter::resume(files, file, "trace", record_file_header_bytes);
        for (std::size_t i = 0; i < 6; ++i) {
          writer.append(entry(i).type, entry(i).payload);
          writer.flush();
          if (i % 2 == 0) continue;
          writer.sync();
          synced = i + 1;
        }
      } catch (const Crash&) {
        crashed = true;
      }
      files.restart();
      const Log log = read_log(files);
      REQUIRE(log.entries.size() >= synced);
      std::size_t next = 0;
      for (std::size_t i = 0; i < log.entries.size(); ++i, ++next) {
        while (next < 6 && log.entries[i] != entry(next)) ++next;
        REQUIRE(next < 6);
        if (i < synced) REQUIRE(next == i);
      }
      // The log goes on where the reader says.
      { RecordWriter::resume(files, file, "trace", log.end).append(77, Bytes{1}); }
      REQUIRE(read_log(files).entries.back() == Entry{77, {1}});
      if (!crashed) break;
    }
  }
}

TEST_CASE("a full disk is reported by the writer, not by its end") {
  FaultyFileSystem files;
  files.capacity = 100;
  {
    auto writer = RecordWriter::create(files, file, "trace");
    writer.append(1, Bytes(200, 1));
    CHECK_THROWS_WITH_AS(writer.flush(), "run/log: cannot write: No space left on device", SystemError);
    CHECK_THROWS_AS(writer.close(), SystemError);
  }
  CHECK(read_log(files).entries.empty());
  CHECK(read_log(files).lost() == 100 - record_file_header_bytes);
}

TEST_CASE("large files on the disk: records across the pieces in which the reader reads") {
  const auto path = std::filesystem::temp_directory_path() / ("saccade-records-" + std::to_string(::getpid()));
  const auto payload = [](std::size_t i) {
    Bytes bytes(i * i * 977 % 300'000);
    for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::uint8_t>(k * 31 + i);
    return bytes;
  };
  {
    auto writer = RecordWriter::create(real_files(), path, "trace");
    for (std::size_t i = 0; i < 60; ++i) writer.append(static_cast<std::uint32_t>(i), payload(i));
    writer.append(60, Bytes(3'000'000, 7));  // larger than a piece
    writer.close();
  }
  RecordReader reader(real_files(), path, "trace");
  for (std::size_t i = 0; i < 60; ++i) {
    const auto record = reader.next();
    REQUIRE(record);
    REQUIRE(record->type == i);
    REQUIRE(Bytes(record->payload.begin(), record->payload.end()) == payload(i));
    REQUIRE(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8 == 0);
  }
  const auto last = reader.next();
  REQUIRE(last);
  CHECK(last->payload.size() == 3'000'000);
  CHECK_FALSE(reader.next());
  CHECK(reader.damage().empty());
  std::filesystem::remove(path);
}

}  // namespace
