#include "streams/frame_list.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "image_files.h"
#include "same_events.h"
#include "streams/csv.h"
#include "streams/prefetch.h"

using namespace saccade;
using namespace saccade::test;

namespace {

const std::string header = "time,object,view,path\n";

/// A folder with 0.png .. 5.png, 4x4 grey, image n of value 40 n, and a list of them.
struct List {
  TemporaryFolder folder;
  std::filesystem::path csv = folder.path / "frames.csv";
  List() {
    for (int n = 0; n < 6; ++n)
      write_file(folder.path / "images" / (std::to_string(n) + ".png"),
                 png_file(4, 4, 1, Bytes(16, static_cast<std::uint8_t>(40 * n))));
  }
  FrameListStream stream(const std::string& text, FrameListStream::Options options = {{2, 2, 1}, Fit::crop, 0}) const {
    write_file(csv, {text.begin(), text.end()});
    return {csv, options};
  }
  std::string error(const std::string& lines) const {
    return message_of<InputError>([&] { stream(header + lines); });
  }
};

const std::string six_frames = header +
                               "0,cup,0,images/0.png\n"
                               "0.04,cup,1,images/1.png\n"
                               "0.08,dog,0,images/2.png\r\n"
                               "0.08,dog,1,\"images/3.png\"\n"
                               "1e-1,dog,2,images/4.png\n"
                               "2.5000004,\"a \"\"cup\"\", again\",0,images/5.png";

}  // namespace

TEST_CASE("frame list: the byte order mark that spreadsheets write is no part of the header") {
  const List list;
  CHECK(list.stream("\xEF\xBB\xBF" + six_frames).views() == 6);
}

TEST_CASE("frame list: views, saccades, keys") {
  const List list;
  FrameListStream stream = list.stream(six_frames, {{2, 2, 1}, Fit::crop, 7});
  CHECK(stream.views() == 6);
  struct Expected {
    bool saccade;
    Time time;
    std::uint64_t fixation;
    std::uint32_t index;
  };
  const Expected expected[] = {{false, 0, 0, 0},      {false, 40000, 0, 1},  {true, 80000, 0, 0},
                               {false, 80000, 1, 0},  {false, 80000, 1, 1},  {false, 100000, 1, 2},
                               {true, 2500000, 1, 0}, {false, 2500000, 2, 0}};
  const std::vector<ScheduledEvent> events = take(stream, 100);
  REQUIRE(events.size() == std::size(expected));
  std::uint32_t frame = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CAPTURE(i);
    const Expected& e = expected[i];
    const EventPriority priority = e.saccade ? EventPriority::saccade : EventPriority::view;
    CHECK(events[i].key == EventKey{e.time, priority, 0, 7, i});
    CHECK((i == 0 || events[i - 1].key < events[i].key));
    if (const auto* saccade = std::get_if<Saccade>(&events[i].event)) {
      CHECK(e.saccade);
      CHECK(saccade->time == e.time);
      CHECK(saccade->fixation == e.fixation);
      continue;
    }
    const View& view = std::get<View>(events[i].event);
    CHECK(!e.saccade);
    CHECK(view.time == e.time);
    CHECK(view.fixation == e.fixation);
    CHECK(view.index == e.index);
    CHECK(view.recipe.kind == ViewKind::plain);
    CHECK(view.recipe.source == frame);
    REQUIRE(view.pixels);
    CHECK(*view.pixels == Pixels(4, static_cast<float>(40 * frame) * byte_scale));
    ++frame;
  }
}

TEST_CASE("frame list: seek(N) goes on where N views end, for every N") {
  const List list;
  const auto whole = take(list.stream(six_frames), 100);
  FrameListStream again = list.stream(six_frames);
  for (std::uint64_t seen = 0; seen <= 6; ++seen) {
    again.seek(seen);
    for (std::size_t i = after_views(whole, seen); i < whole.size(); ++i) {
      const auto event = again.next();
      REQUIRE(event);
      CHECK(same(*event, whole[i]));
    }
    CHECK(!again.next());
  }
  again.seek(3);
  CHECK(says(message_of<InputError>([&] { again.seek(7); }), {"view 7", "frames.csv", "6"}));
  CHECK(same(*again.next(), whole[after_views(whole, 3)]));  // a refused seek has changed nothing
}

TEST_CASE("frame list: rendered ahead on threads it is the same stream") {
  const List list;
  const auto whole = take(list.stream(six_frames), 100);
  for (const int threads : {1, 3}) {
    PrefetchedStream ahead(std::make_unique<FrameListStream>(list.stream(six_frames)), threads);
    const auto events = take(ahead, 100);
    REQUIRE(events.size() == whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) CHECK(same(events[i], whole[i]));
  }
}

TEST_CASE("frame list: views have the shape that was asked for") {
  const List list;
  write_file(list.folder.path / "wide.jpg", jpeg_file(8, 30, 3, ramp(8, 30, 3)));
  const std::string text = header + "0,1,0,wide.jpg\n0,2,0," + (list.folder.path / "images/1.png").string();
  const auto events = take(list.stream(text, {{3, 5, 3}, Fit::stretch, 0}), 3);
  REQUIRE(events.size() == 3);
  CHECK(std::get<View>(events[0].event).pixels->size() == 45);
  CHECK(*std::get<View>(events[2].event).pixels == Pixels(45, 40 * byte_scale));
  CHECK(says(message_of<InputError>([&] { list.stream(text, {{3, 5, 2}, Fit::crop, 0}); }), {"3x5x2", "1 or 3"}));
}

TEST_CASE("frame list: what is wrong is told with its line") {
  const List list;
  const std::string good = "0,cup,0,images/0.png\n";
  CHECK(
      says(message_of<InputError>([&] { list.stream(""); }), {"line 1", "expected the header time,object,view,path"}));
  CHECK(says(message_of<InputError>([&] { list.stream("time,view,object,path\n" + good); }),
             {"line 1", "\"time,view,object,path\""}));
  CHECK(says(message_of<InputError>([&] { list.stream(good); }), {"line 1", "header"}));
  CHECK(says(list.error(""), {"frames.csv", "no frames"}));
  CHECK(says(list.error(good + "0,cup,1\n"), {"frames.csv, line 3", "3 fields, expected 4"}));
  CHECK(says(list.error(good + "0,cup,1,images/1.png,\n"), {"line 3", "5 fields"}));
  CHECK(says(list.error(good + "\n" + good), {"line 3", "1 fields"}));
  for (const std::string time :
       {"nan", "NaN", "inf", "-inf", "-1", "", " 1", "1 ", "0x1", "1,5", "1e999", "5e12", "one"})
    CHECK(says(list.error("\"" + time + "\",cup,0,images/0.png\n"), {"line 2", "time \"" + time + "\"", "seconds"}));
  CHECK(says(list.error("1" + good.substr(1) + "0.5,cup,1,images/1.png\n"), {"line 3", "time 0.5 after 1"}));
  CHECK(says(list.error("0,,0,images/0.png\n"), {"line 2", "no object"}));
  for (const std::string view : {"1", "-1", "", "0.0", "x", "4294967296"})
    CHECK(says(list.error("0,cup," + view + ",images/0.png\n"), {"line 2", "view \"" + view + "\"", "expected 0"}));
  CHECK(says(list.error(good + "0,cup,0,images/1.png\n"), {"line 3", "view \"0\"", "expected 1"}));
  CHECK(says(list.error(good + "0,dog,1,images/1.png\n"), {"line 3", "view \"1\"", "expected 0"}));
  CHECK(says(list.error("0,cup,0,\n"), {"line 2", "no path"}));
  CHECK(says(list.error("0,cup,0,images/9.png\n"), {"line 2", "images/9.png", "no file there"}));
  CHECK(says(list.error("0,cup,0,images\n"), {"line 2", "images", "no file there"}));
  CHECK(says(list.error("0,cup,0,/dev/zero\n"), {"line 2", "/dev/zero", "no file there"}));
  CHECK(says(list.error("0,cup,0,\"a\nb\x1b[31m\"\n" + good), {"line 2", "a?b?[31m"}));
  CHECK(says(list.error("0,cup,0," + std::string(5000, 'x') + "\n"), {"line 2", "xxx...", "no file there"}));
  CHECK(says(list.error(good + "0,\"a\nb\",0,images/0.png\n1,c,7,images/0.png\n"), {"line 5", "view \"7\""}));
}

TEST_CASE("frame list: a broken image is named when it is rendered; a foreign recipe refused") {
  const List list;
  write_file(list.folder.path / "bad.png", {'n', 'o'});
  FrameListStream stream = list.stream(header + "0,cup,0,bad.png\n");
  CHECK(says(message_of<InputError>([&] { stream.next(); }), {"bad.png", "6e 6f"}));
  View view;
  view.recipe.source = 1;
  CHECK(says(message_of<InputError>([&] { stream.render_pixels(view); }), {"view 1", "1 frames"}));
  view.recipe = {ViewKind::affine, 0, {}};
  CHECK(says(message_of<InputError>([&] { stream.render_pixels(view); }), {"affine", "plain"}));
}

TEST_CASE("frame list: files that are no lists") {
  const List list;
  const FrameListStream::Options options{{2, 2, 1}, Fit::crop, 0};
  const auto refused = [&](const std::filesystem::path& path) {
    return message_of<InputError>([&] { FrameListStream(path, options); });
  };
  CHECK(says(refused(list.folder.path), {"not a regular file"}));
  CHECK(says(refused(list.folder.path / "none.csv"), {"none.csv", "no such file"}));
  CHECK(says(refused(list.folder.path / "images/0.png"), {"0.png", "line 1"}));
  write_file(list.csv, {});
  std::filesystem::resize_file(list.csv, (std::uint64_t{1} << 30) + 1);  // a hole: no room on the disk
  CHECK(says(refused(list.csv), {"frames.csv", "1073741825 bytes", "at most 1073741824"}));
}

TEST_CASE("CSV: records as RFC 4180 has them") {
  using Fields = std::vector<std::string>;
  const std::string text = "a,b\r\n\"x,\"\"y\"\"\nz\",\n\n,\"\",\"q\"\r\nlast\rone,\"e\"";
  CsvReader reader(text, "t");
  CHECK(reader.next() == Fields{"a", "b"});
  CHECK(reader.where() == "t, line 1");
  CHECK(reader.next() == Fields{"x,\"y\"\nz", ""});
  CHECK(reader.where() == "t, line 2");
  CHECK(reader.next() == Fields{""});
  CHECK(reader.where() == "t, line 4");
  CHECK(reader.next() == Fields{"", "", "q"});
  CHECK(reader.next() == Fields{"last\rone", "e"});
  CHECK(reader.where() == "t, line 6");
  CHECK(!reader.next());
  CHECK(!CsvReader("", "t").next());
}

TEST_CASE("CSV: what is not a record") {
  const auto error = [](const std::string& text) {
    return message_of<InputError>([&] {
      CsvReader reader(text, "t");
      while (reader.next()) {
      }
    });
  };
  CHECK(says(error("a\nb\"c\n"), {"t, line 2", "quote within a field"}));
  CHECK(says(error("a\n\"b\"c\n"), {"t, line 2", "behind a closing quote"}));
  CHECK(says(error("a\n\"b\n\n"), {"t, line 2", "not closed"}));
  CHECK(says(error(std::string("a\n\0b", 4)), {"t, line 2", "zero byte"}));
  CHECK(error(std::string(CsvReader::largest_record, 'x')).empty());
  CHECK(says(error("a\n" + std::string(CsvReader::largest_record + 1, 'x')), {"t, line 2", "more than 65536 bytes"}));
  CHECK(says(error("\"" + std::string(100'000, '\n') + "\""), {"t, line 1", "more than 65536 bytes"}));
}
