#include "engine/recorder.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"

namespace {

using namespace saccade;
using saccade::testing::FaultyFileSystem;

const std::filesystem::path file = "run/events.trace";

View some_view(std::uint64_t number) {
  View view;
  view.time = static_cast<Time>(number * 100'000);
  view.fixation = number / 5;
  view.index = static_cast<std::uint32_t>(number % 5);
  view.recipe.kind = ViewKind::affine_hsv;
  view.recipe.source = static_cast<std::uint32_t>(number * 7);
  for (std::size_t i = 0; i < 12; ++i)
    view.recipe.parameters[i] = static_cast<float>(number) + 0.1f * static_cast<float>(i);
  return view;
}

UpdateRecord some_update(std::uint64_t number) {
  UpdateRecord update{number,
                      static_cast<Time>(number * 100'000),
                      number / 5,
                      ViewRole::learner,
                      static_cast<std::int32_t>(number % 6) - 1,
                      {}};
  for (std::uint64_t i = 0; i < number % 4; ++i) {
    update.terms.push_back({i == 0, 1.5f * static_cast<float>(i), 0.25f, i % 2 == 0, static_cast<std::int64_t>(i) << 40,
                            std::numeric_limits<std::uint32_t>::max(), -static_cast<std::int32_t>(i)});
  }
  return update;
}

void write_step(Recorder& recorder, std::uint64_t number) {
  recorder.view(some_view(number));
  recorder.update(some_update(number));
  if (number % 5 == 4) recorder.saccade({static_cast<Time>(number * 100'000 + 1), number / 5});
}

TEST_CASE("every kind of view comes back from a trace, an unknown one is refused") {
  for (int kind = 0; kind <= static_cast<int>(last_view_kind) + 1; ++kind) {
    CAPTURE(kind);
    FaultyFileSystem files;
    Recorder recorder(files, file);
    View view = some_view(1);
    view.recipe.kind = static_cast<ViewKind>(kind);
    recorder.view(view);
    recorder.close();
    TraceReader reader(files, file);
    if (kind <= static_cast<int>(last_view_kind))
      CHECK(std::get<View>(*reader.next()).recipe.kind == view.recipe.kind);
    else
      CHECK_THROWS_WITH_AS(reader.next(), "run/events.trace: position 32: got view kind 9, expected 0 to 8",
                           InputError);
  }
}

TEST_CASE("a trace comes back as it was written") {
  FaultyFileSystem files;
  {
    Recorder recorder(files, file);
    for (std::uint64_t i = 0; i < 10; ++i) write_step(recorder, i);
    recorder.close();
  }
  TraceReader reader(files, file);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto first = reader.next();
    REQUIRE(first);
    const View& view = std::get<View>(*first);
    const View expected = some_view(i);
    CHECK(view.time == expected.time);
    CHECK(view.fixation == expected.fixation);
    CHECK(view.index == expected.index);
    CHECK(view.recipe.kind == expected.recipe.kind);
    CHECK(view.recipe.source == expected.recipe.source);
    CHECK(view.recipe.parameters == expected.recipe.parameters);
    CHECK(view.pixels == nullptr);
    const auto second = reader.next();
    REQUIRE(second);
    CHECK(std::get<UpdateRecord>(*second) == some_update(i));
    if (i % 5 != 4) continue;
    const auto third = reader.next();
    REQUIRE(third);
    CHECK(std::get<Saccade>(*third).time == static_cast<Time>(i * 100'000 + 1));
    CHECK(std::get<Saccade>(*third).fixation == i / 5);
  }
  CHECK_FALSE(reader.next());
  CHECK(reader.damage().empty());
  CHECK(reader.end() == files.size(file));
}

TEST_CASE("a run resumed anywhere leaves the same bytes") {
  FaultyFileSystem files;
  std::vector<std::uint64_t> positions;
  {
    Recorder recorder(files, file);
    for (std::uint64_t i = 0; i < 10; ++i) {
      positions.push_back(recorder.position());
      write_step(recorder, i);
    }
  }
  const auto whole = files.bytes(file);
  for (std::uint64_t i = 0; i < 10; ++i) {
    {
      Recorder recorder(files, file, positions[i]);
      CHECK(recorder.position() == positions[i]);
      for (std::uint64_t k = i; k < 10; ++k) write_step(recorder, k);
    }
    CHECK(files.bytes(file) == whole);
  }
  CHECK_THROWS_AS(Recorder(files, file, whole.size() + 8), InputError);
  CHECK_THROWS_AS(Recorder(files, file, 33), InputError);
  CHECK_THROWS_AS(Recorder(files, file, 0), InputError);
  CHECK(files.bytes(file) == whole);
}

TEST_CASE("flushed records survive the process, synced ones a power failure") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    FaultyFileSystem files(seed);
    {
      Recorder recorder(files, file);
      files.sync_directory("run");
      for (std::uint64_t i = 0; i < 3; ++i) recorder.saccade({1, i});
      recorder.sync();
      for (std::uint64_t i = 3; i < 6; ++i) {
        recorder.saccade({1, i});
        recorder.flush();
      }
      CHECK(files.size(file) == recorder.position());
    }
    files.restart();
    TraceReader reader(files, file);
    std::uint64_t count = 0;
    for (std::uint64_t last = 0; const auto record = reader.next(); ++count) {
      const std::uint64_t fixation = std::get<Saccade>(*record).fixation;
      CHECK((count < 3 ? fixation == count : fixation > last));
      last = fixation;
    }
    CHECK(count >= 3);
    CHECK(count <= 6);
  }
}

TEST_CASE("records that are whole but no trace are refused by position") {
  FaultyFileSystem files;
  const auto write = [&](std::uint32_t type, std::vector<std::uint8_t> payload) {
    auto writer = RecordWriter::create(files, file, "trace");
    writer.append(type, payload);
  };
  write(9, {});
  CHECK_THROWS_WITH_AS(TraceReader(files, file).next(),
                       "run/events.trace: position 32: got record type 9, expected 1 (view), 2 (saccade) or 3 (update)",
                       InputError);
  for (const std::uint32_t type : {1u, 2u, 3u}) {
    for (std::size_t size = 0; size < 40; ++size) {  // offsets that point outside
      write(type, std::vector<std::uint8_t>(size, 0x7f));
      REQUIRE_THROWS_AS(TraceReader(files, file).next(), InputError);
    }
  }
  RecordWriter::create(files, file, "views");
  CHECK_THROWS_WITH_AS(TraceReader(files, file),
                       "run/events.trace: got a file of kind \"views\", expected kind \"trace\"", InputError);
}

TEST_CASE("payloads changed at random are refused or read, without a crash") {
  FaultyFileSystem files;
  { Recorder(files, file).update(some_update(3)); }
  RecordReader reader(files, file, "trace");
  const auto record = reader.next();
  REQUIRE(record);
  const std::vector<std::uint8_t> good(record->payload.begin(), record->payload.end());
  for (std::size_t byte = 0; byte < good.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = good;
      changed[byte] = static_cast<std::uint8_t>(changed[byte] ^ (1 << bit));
      { RecordWriter::create(files, file, "trace").append(3, changed); }  // with a CRC that is right
      TraceReader trace(files, file);
      try {
        const auto read = trace.next();
        REQUIRE(read);
        REQUIRE(std::get<UpdateRecord>(*read).terms.size() <= good.size());
      } catch (const InputError&) {
      }
    }
  }
}

}  // namespace
