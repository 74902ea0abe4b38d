#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/record_file.h"

namespace saccade::testing {

using Bytes = std::vector<std::uint8_t>;

inline const std::filesystem::path log_file = "run/log";

struct Entry {
  std::uint32_t type;
  Bytes payload;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Entry i has its number in every byte and type, and all lengths around the padding occur.
inline Entry entry(std::size_t i) {
  return {static_cast<std::uint32_t>(100 + i), Bytes(i * 5 % 19, static_cast<std::uint8_t>(i + 1))};
}

inline constexpr std::size_t log_size = 12;

/// Positions of the records, and the end.
inline std::vector<std::uint64_t> write_log(FileSystem& files) {
  std::vector<std::uint64_t> positions;
  auto writer = RecordWriter::create(files, log_file, "trace");
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

inline Log read_log(FileSystem& files) {
  Log log;
  RecordReader reader(files, log_file, "trace");
  while (const auto record = reader.next()) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8 == 0);
    log.entries.push_back({record->type, {record->payload.begin(), record->payload.end()}});
  }
  REQUIRE_FALSE(reader.next());  // the end stays the end
  log.damage = reader.damage();
  log.end = reader.end();
  return log;
}

inline std::vector<Entry> entries(std::size_t first, std::size_t last) {
  std::vector<Entry> result;
  for (std::size_t i = first; i < last; ++i) result.push_back(entry(i));
  return result;
}

}  // namespace saccade::testing
