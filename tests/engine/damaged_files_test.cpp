#include <doctest/doctest.h>

#include <algorithm>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_checkpoint.h"
#include "tests/engine/sample_records.h"

/// Every cut and every flipped bit of a small trace, a small file of views and the newer of two checkpoints. What the
/// readers of records do with them is in record_file_test.cpp; here, what their users see.
namespace {

using namespace saccade;
using namespace saccade::testing;
using Bytes = std::vector<std::uint8_t>;
using Content = ViewFileHeader::Content;

const std::filesystem::path file = "run/file";

/// Where the records of a file begin, and its end.
std::vector<std::uint64_t> bounds(FileSystem& files, const char* kind) {
  RecordReader reader(files, file, kind);
  std::vector<std::uint64_t> all;
  while (const auto record = reader.next()) all.push_back(record->position);
  all.push_back(files.size(file));
  return all;
}

/// The record that holds a byte.
std::size_t record_at(const std::vector<std::uint64_t>& bounds, std::size_t byte) {
  return static_cast<std::size_t>(std::upper_bound(bounds.begin(), bounds.end(), byte) - bounds.begin()) - 1;
}

template <class Try>
void each_cut(const Bytes& whole, FaultyFileSystem& files, Try attempt) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    files.put(file, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    attempt(size);
  }
}

template <class Try>
void each_flip(const Bytes& whole, FaultyFileSystem& files, Try attempt) {
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    CAPTURE(bit);
    Bytes changed = whole;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    files.put(file, std::move(changed));
    attempt(bit / 8);
  }
}

std::vector<std::string> without(std::vector<std::string> records, std::size_t index) {
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(index));
  return records;
}

TEST_CASE("a damaged trace: the records that are whole, and the exact loss") {
  FaultyFileSystem files;
  write_trace(files, file);
  const Bytes whole = files.bytes(file);
  const auto at = bounds(files, "trace");
  const auto records = exact(golden_trace());
  each_cut(whole, files, [&](std::size_t size) {
    if (size < record_file_header_bytes) {
      REQUIRE_THROWS_AS(read_trace(files, file), InputError);
      return;
    }
    const std::size_t left = record_at(at, size);
    const FileContent content = read_trace(files, file);
    REQUIRE(content.records == std::vector(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(left)));
    REQUIRE(content.end == at[left]);
    REQUIRE(content.damage.size() == (size > at[left] ? 1 : 0));
    if (size > at[left]) REQUIRE(content.damage[0].bytes == size - at[left]);
    // A run that is resumed at the end of what is left goes on from there.
    Recorder(files, file, content.end).close();
    REQUIRE(files.size(file) == content.end);
  });
  each_flip(whole, files, [&](std::size_t byte) {
    if (byte < record_file_header_bytes) {
      REQUIRE_THROWS_AS(read_trace(files, file), InputError);
      return;
    }
    const std::size_t hit = record_at(at, byte);
    const FileContent content = read_trace(files, file);
    REQUIRE(content.records == without(records, hit));
    REQUIRE(content.damage.size() == 1);
    REQUIRE(content.damage[0].position == at[hit]);
    REQUIRE(content.damage[0].bytes == at[hit + 1] - at[hit]);
  });
}

TEST_CASE("a damaged file of views: the events that are whole, the exact loss, and whether the end is there") {
  for (const Content kind : {Content::recipes, Content::pixels}) {
    CAPTURE(to_string(kind));
    FaultyFileSystem files;
    write_views(files, file, kind);
    const Bytes whole = files.bytes(file);
    const auto at = bounds(files, "views");
    const auto events = exact(golden_events(kind));
    REQUIRE(at.size() == events.size() + 3);  // header, events, end; and the end of the file
    each_cut(whole, files, [&](std::size_t size) {
      if (size < at[1]) {  // not even the header
        REQUIRE_THROWS_AS(read_views(files, file), InputError);
        return;
      }
      const std::size_t left = record_at(at, size);
      const FileContent content = read_views(files, file);
      REQUIRE(content.records == std::vector(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(left) - 1));
      REQUIRE(!content.promised);
      REQUIRE(content.damage.size() == (size > at[left] ? 1 : 0));
      if (size > at[left]) REQUIRE(content.damage[0].bytes == size - at[left]);
    });
    each_flip(whole, files, [&](std::size_t byte) {
      if (byte < record_file_header_bytes) {
        REQUIRE_THROWS_AS(read_views(files, file), InputError);
        return;
      }
      const std::size_t hit = record_at(at, byte), last = events.size() + 1;
      REQUIRE(ViewFileReader(files, file).header() == golden_header(kind));  // the last record stands in for the first
      const FileContent content = read_views(files, file);
      REQUIRE(content.records == (hit == 0 || hit == last ? events : without(events, hit - 1)));
      REQUIRE(content.promised == (hit == last ? std::nullopt : std::optional<std::uint64_t>(events.size())));
      REQUIRE(content.damage.size() == 1);
      REQUIRE(content.damage[0].position == at[hit]);
      REQUIRE(content.damage[0].bytes == at[hit + 1] - at[hit]);
    });
  }
}

TEST_CASE("a damaged newer checkpoint: the older one is loaded, and it is said why") {
  const std::filesystem::path folder = "run", newer = folder / "checkpoint-20.ckpt";
  FaultyFileSystem files;
  save_generation(files, folder, some_checkpoint(10));
  save_generation(files, folder, some_checkpoint(20));
  const Bytes whole = files.bytes(newer);
  const auto older_is_loaded = [&](std::size_t) {
    files.put(newer, files.bytes(file));
    std::string warning;
    const auto found = load_newest(files, folder, warning);
    REQUIRE(found);
    REQUIRE(same(*found, some_checkpoint(10)));
    REQUIRE(warning.starts_with("run/checkpoint-20.ckpt: "));
  };
  each_cut(whole, files, older_is_loaded);
  each_flip(whole, files, older_is_loaded);
  for (const Bytes& behind : {Bytes(1, 0), Bytes(8, 0), Bytes(4096, 0), Bytes(whole.begin() + 32, whole.end())}) {
    CAPTURE(behind.size());
    Bytes longer = whole;
    longer.insert(longer.end(), behind.begin(), behind.end());
    files.put(file, longer);
    older_is_loaded(whole.size());
    CHECK_THROWS_WITH_AS(load_checkpoint(files, newer), doctest::Contains("bytes after the end record"), InputError);
  }
  // Of both damaged, both are named.
  files.bytes(folder / "checkpoint-10.ckpt").resize(100);
  std::string warning;
  CHECK(!load_newest(files, folder, warning));
  CHECK(warning.find("checkpoint-20.ckpt: ") < warning.find("; run/checkpoint-10.ckpt: "));
}

}  // namespace
