#include <doctest/doctest.h>
#include <unistd.h>

#include <limits>

#include "engine/error.h"
#include "engine/record_file.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_log.h"

namespace {

using namespace saccade;
using namespace saccade::testing;

const std::filesystem::path file = log_file;

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
