#include "tools/recover.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/recorder.h"
#include "streams/record_stream.h"

namespace saccade {
namespace {

using test::SmallRecording;
using Content = ViewFileHeader::Content;

/// Positions of the records of a file.
std::vector<std::uint64_t> positions(const std::filesystem::path& file, const std::string& kind) {
  std::vector<std::uint64_t> all;
  RecordReader reader(real_files(), file, kind);
  while (const auto record = reader.next()) all.push_back(record->position);
  return all;
}

std::vector<ScheduledEvent> events_of(const std::filesystem::path& file, const SmallRecording& of) {
  RecordedStream stream(file, of.source);
  return test::take(stream, 1000);
}

/// The views' own part of events: keys and saccades may differ.
bool same_view(const ScheduledEvent& a, const ScheduledEvent& b) { return test::same({{}, a.event}, {{}, b.event}); }

TEST_CASE("a recording that is cut anywhere is recovered up to the cut, and replays") {
  const TemporaryFolder folder;
  for (const Content content : {Content::recipes, Content::pixels}) {
    const SmallRecording small(folder.path / to_string(content), content);
    const auto whole = events_of(small.file, small);
    const test::Bytes bytes = test::bytes_of(small.file);
    const auto starts = positions(small.file, "views");
    const auto cut = folder.path / "cut", out = folder.path / "out";
    std::size_t kept = 0;
    for (std::size_t size = starts[2]; size <= bytes.size(); size += 5) {
      CAPTURE(size);
      test::write_file(cut, test::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
      std::filesystem::remove(out);
      const Recovered recovered = recover(cut, out);
      while (kept + 2 < starts.size() && starts[kept + 2] <= size) ++kept;  // behind the header, before the next record
      const std::size_t end = starts[kept + 1];
      CHECK(recovered.records == kept);
      CHECK(recovered.lost_bytes == size - end);
      CHECK(recovered.saccades + recovered.orphans + recovered.unreadable == 0);
      const auto found = events_of(out, small);
      REQUIRE(found.size() == kept);
      for (std::size_t i = 0; i < kept; ++i) REQUIRE(test::same(found[i], whole[i]));
    }
    CHECK(kept == whole.size());
  }
}

TEST_CASE("any record that is lost leaves a stream of the others, its fixations apart") {
  const TemporaryFolder folder;
  const SmallRecording small(folder.path / "F.views", Content::recipes);
  const auto whole = events_of(small.file, small);
  const test::Bytes bytes = test::bytes_of(small.file);
  const auto starts = positions(small.file, "views");
  REQUIRE(starts.size() == whole.size() + 2);
  const auto damaged = folder.path / "damaged", out = folder.path / "out";
  for (std::size_t first = 0; first < starts.size(); ++first) {
    for (std::size_t last = first; last < std::min(first + 4, starts.size()); ++last) {
      if (first == 0 && last + 1 == starts.size()) continue;
      CAPTURE(first);
      CAPTURE(last);
      test::Bytes wounded = bytes;
      for (std::size_t i = first; i <= last; ++i) wounded[starts[i] + 20] ^= 1;
      test::write_file(damaged, wounded);
      CHECK_THROWS_AS(RecordedStream(damaged, small.source), InputError);
      std::filesystem::remove(out);
      const Recovered recovered = recover(damaged, out);
      const std::uint64_t end = last + 1 < starts.size() ? starts[last + 1] : bytes.size();
      CHECK(recovered.lost_bytes == end - starts[first]);
      const auto found = events_of(out, small);  // which checks that it is a stream
      auto next = found.begin();
      const auto skip_saccades = [&] {
        while (next != found.end() && std::holds_alternative<Saccade>(next->event)) ++next;
      };
      for (std::size_t i = 0; i < whole.size(); ++i) {
        if ((i + 1 >= first && i + 1 <= last) || std::holds_alternative<Saccade>(whole[i].event)) continue;
        skip_saccades();
        REQUIRE(next != found.end());
        REQUIRE(same_view(*next++, whole[i]));
      }
      skip_saccades();
      CHECK(next == found.end());
    }
  }
}

TEST_CASE("a trace is recovered record by record") {
  const TemporaryFolder folder;
  const auto file = folder.path / "events.trace", out = folder.path / "out.trace";
  {
    Recorder recorder(real_files(), file);
    for (std::uint32_t i = 0; i < 5; ++i) {
      recorder.view({.time = i, .fixation = i, .index = 0, .recipe = {}, .pixels = {}});
      recorder.update({.event = i, .time = i, .fixation = i, .role = ViewRole::anchor, .layer = -1, .terms = {}});
    }
    recorder.close();
  }
  test::Bytes bytes = test::bytes_of(file);
  bytes[positions(file, "trace")[4] + 30] ^= 1;  // view 2
  bytes.resize(bytes.size() - 3);                // update 4
  test::write_file(file, bytes);
  const Recovered recovered = recover(file, out);
  CHECK(recovered.records == 8);
  CHECK(recovered.lost_bytes > 0);
  TraceReader reader(real_files(), out);
  for (std::uint32_t i = 0; i < 5; ++i) {
    if (i != 2) CHECK(std::get<View>(*reader.next()).time == i);
    if (i != 4) CHECK(std::get<UpdateRecord>(*reader.next()).event == i);
  }
  CHECK(!reader.next());
  CHECK(reader.damage().empty());
}

TEST_CASE("recovery that cannot be") {
  const TemporaryFolder folder;
  const SmallRecording small(folder.path / "F.views", Content::pixels);
  const auto refusal = [&](const std::filesystem::path& from, const std::filesystem::path& to) {
    return test::message_of<InputError>([&] { recover(from, to); });
  };
  CHECK(test::says(refusal(small.file, small.file), {"F.views", "exists already"}));
  const auto headless = folder.path / "headless", out = folder.path / "out";
  test::Bytes bytes = test::bytes_of(small.file);
  test::write_file(headless, test::Bytes(bytes.begin(), bytes.begin() + 32));
  CHECK(test::says(refusal(headless, out), {"headless", "none of its records"}));
  test::write_file(
      headless,
      test::Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(positions(small.file, "views")[1])));
  CHECK(test::says(refusal(headless, out), {"headless", "none of its views"}));
  CHECK(!std::filesystem::exists(out));
  CHECK(!std::filesystem::exists(folder.path / "out.partial"));
  { RecordWriter::create(real_files(), headless, "checkpoint").flush(); }
  CHECK(test::says(refusal(headless, out), {"headless", "checkpoint"}));
}

}  // namespace
}  // namespace saccade
