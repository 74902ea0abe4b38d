#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "engine/error.h"
#include "streams/record_stream.h"
#include "tests/engine/faulty_file_system.h"
#include "tools/captured.h"
#include "tools/pack.h"
#include "tools/recover.h"
#include "tools/sweep/study_report.h"
#include "tools/temporary_folder.h"

/// Design.md, promise 2, for what is written beside runs: recordings, what is recovered of them, tables of studies. The
/// machine stops, or the disk refuses, at every operation on files.
namespace saccade {
namespace {

using testing::Crash;
using testing::FaultyFileSystem;

/// Does `write` once for every operation that it has, on a disk where that one stops the machine (`crashes` times, with
/// other outcomes) or is refused; `look` sees what is there then.
template <class Prepare, class Write, class Look>
void at_each_operation(int crashes, const Prepare& prepare, const Write& write, const Look& look) {
  FaultyFileSystem counted;
  prepare(counted);
  const int before = counted.operations;
  write(counted);
  const int operations = counted.operations - before;
  REQUIRE(operations > 3);
  for (int trial = 0; trial < operations * (crashes + 1); ++trial) {
    CAPTURE(trial);  // the seed
    FaultyFileSystem files(static_cast<std::uint64_t>(trial));
    prepare(files);
    const int step = before + 1 + trial % operations;
    const bool refused = trial < operations;
    (refused ? files.fail_at : files.crash_at) = step;
    if (refused) {
      try {
        write(files);  // what is only tidied up may fail
      } catch (const SystemError& error) {
        CHECK(std::string(error.what()).find("failed: Input/output error") != std::string::npos);
      }
      files.fail_at = -1;
    } else {
      REQUIRE_THROWS_AS(write(files), Crash);
      files.restart();
    }
    look(files);
  }
}

using Events = std::vector<ScheduledEvent>;

Events events_of(FileSystem& files, const std::filesystem::path& file) {
  Events events;
  ViewFileReader reader(files, file);
  while (auto event = reader.next()) events.push_back({{}, std::move(*event)});
  CHECK(reader.damage().empty());
  return events;
}

/// The views of `part` are among those of `whole`, in their order.
bool is_part(const Events& part, const Events& whole) {
  auto at = whole.begin();
  for (const ScheduledEvent& event : part) {
    if (!std::holds_alternative<View>(event.event)) continue;
    at = std::find_if(at, whole.end(), [&](const ScheduledEvent& other) { return test::same(event, other); });
    if (at++ == whole.end()) return false;
  }
  return true;
}

/// What `saccade pack` makes of 150 views.
struct Packed {
  static constexpr std::uint64_t views = 150;
  Packed() {
    header = test::header_of(*small.source, ViewKind::affine_hsv, ViewFileHeader::Content::pixels);
    header.planned = views;
    flags.out = file;
    flags.quiet = true;
    FaultyFileSystem files;
    pack_in(files);
    bytes = files.bytes(file);
    events = events_of(files, file);
  }
  void pack_in(FileSystem& files) const {
    const Captured said(STDOUT_FILENO);
    FixationStream stream = small.fresh();
    const int code = pack(stream, header, flags, files);
    REQUIRE(code == 0);
  }

  TemporaryFolder folder;
  test::SmallRecording small{folder.path / "small", ViewFileHeader::Content::recipes};
  ViewFileHeader header;
  CommonFlags flags;
  std::filesystem::path file = "out/F.views", partial = "out/F.views.partial", recovered = "out/G.views";
  std::vector<std::uint8_t> bytes;
  Events events;
};

}  // namespace

TEST_CASE("pack stopped at any operation leaves all of the recording, or what can be recovered and made again") {
  const Packed recording;
  int whole = 0, parts = 0;
  at_each_operation(
      5, [](FaultyFileSystem&) {}, [&](FileSystem& files) { recording.pack_in(files); },
      [&](FaultyFileSystem& files) {
        if (files.exists(recording.file)) {
          ++whole;
          REQUIRE(files.bytes(recording.file) == recording.bytes);
          if (files.exists(recording.partial)) files.remove(recording.partial);
          return;
        }
        if (files.exists(recording.partial)) {
          try {
            recover(recording.partial, recording.recovered, files);
            REQUIRE(is_part(events_of(files, recording.recovered), recording.events));
            ++parts;
          } catch (const InputError&) {  // nothing of it had reached the disk
            CHECK(!files.exists(recording.recovered));
          }
          REQUIRE_THROWS_WITH_AS(recording.pack_in(files), doctest::Contains("F.views.partial"), InputError);
          files.remove(recording.partial);
        }
        recording.pack_in(files);
        REQUIRE(files.bytes(recording.file) == recording.bytes);
      });
  CHECK(whole > 0);
  CHECK(parts > 0);
}

TEST_CASE("a recovery stopped at any operation leaves what it recovers from, and all or nothing of what it makes") {
  const Packed recording;
  std::vector<std::uint8_t> damaged = recording.bytes;
  damaged.resize(damaged.size() - damaged.size() / 5);
  Events expected;
  {
    FaultyFileSystem files;
    files.put(recording.partial, damaged);
    recover(recording.partial, recording.recovered, files);
    expected = events_of(files, recording.recovered);
    REQUIRE(expected.size() > 50);
  }
  at_each_operation(
      5, [&](FaultyFileSystem& files) { files.put(recording.partial, damaged); },
      [&](FileSystem& files) { recover(recording.partial, recording.recovered, files); },
      [&](FaultyFileSystem& files) {
        REQUIRE(files.bytes(recording.partial) == damaged);
        const std::filesystem::path begun = recording.recovered.string() + ".partial";
        if (files.exists(begun)) files.remove(begun);
        if (!files.exists(recording.recovered)) recover(recording.partial, recording.recovered, files);
        const Events found = events_of(files, recording.recovered);
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(test::same(found[i], expected[i]));
      });
}

TEST_CASE("a study's tables and page, replaced: each is the old one or the new one, and then made again") {
  const TemporaryFolder temporary;
  const StudyFolder folder{temporary.path};
  std::ofstream(folder.sweep()) << "title = \"T\"\nseeds = [1, 3]\n[grid]\nnegatives = [1, 2]\n";
  const Study study = load_study(folder.sweep());
  const StudyResults begun = read_study_results(folder, study);
  StudyResults ended = begun;
  for (StudyResult& one : ended.runs) {
    one.state = RunState::finished;
    one.summary.fingerprint = "abc";
    one.summary.probe.plain = {{1, 10, 0.5, "p"}};
    one.summary.random_probe.plain = {{1, 10, 0.25, ""}};
    one.metrics = {{-1, "loss", {10, 20}, {3, 2}}};
  }
  const auto all_of = [&](FileSystem& files) {
    std::map<std::string, std::vector<std::uint8_t>> all;
    for (const auto& place : {folder.folder, folder.plots()})
      for (const std::string& name : files.list(place)) all[name] = files.read_all(place / name, std::size_t{1} << 24);
    return all;
  };
  FaultyFileSystem disk;
  write_study_results(begun, folder, disk);
  const auto old = all_of(disk);
  write_study_results(ended, folder, disk);
  const auto renewed = all_of(disk);
  REQUIRE(renewed.size() >= 6);  // tables, page, plots
  REQUIRE(renewed.at("results.csv") != old.at("results.csv"));
  at_each_operation(
      5, [&](FaultyFileSystem& files) { write_study_results(begun, folder, files); },
      [&](FileSystem& files) { write_study_results(ended, folder, files); },
      [&](FaultyFileSystem& files) {
        for (const auto& [name, bytes] : all_of(files)) {
          CAPTURE(name);
          if (name.ends_with(".tmp")) continue;
          REQUIRE((bytes == renewed.at(name) || (old.contains(name) && bytes == old.at(name))));
        }
        for (const auto& [name, bytes] : old) REQUIRE(all_of(files).contains(name));
        write_study_results(ended, folder, files);
        REQUIRE(all_of(files) == renewed);
      });
}

}  // namespace saccade
