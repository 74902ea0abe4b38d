#include "streams/network/event_server.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/error.h"
#include "streams/network/served_films.h"

namespace saccade::test {

TEST_CASE("event server: four senders side by side are four streams of one recording, whole and in order") {
  Served served;
  std::vector<std::thread> threads;
  std::vector<SendCounts> sent(4);
  for (std::uint32_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { sent[i] = send_film(served, "s" + std::to_string(i), i, 400); });
  for (std::thread& thread : threads) thread.join();
  const EventServerCounts counts = served.stop();
  CHECK(counts.connections == 4);
  CHECK(counts.events == 4 * 533);
  CHECK(counts.refused + counts.silent + counts.lost + counts.crowded + counts.dropped == 0);
  for (const SendCounts& each : sent) {
    CHECK(each.views == 400);
    CHECK(each.answered == 533);
    CHECK(each.updated == 400);
    CHECK(each.reconnects == 0);
  }
  auto streams = recorded(served);
  CHECK(streams.size() == 4);
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(begins(film(i, 400), streams["s" + std::to_string(i)], 533));
}

TEST_CASE("event server: of a session cut at any byte, the whole events before are accepted and nothing else") {
  const std::vector<Event> events = film(1, 4);
  const auto name = [](std::size_t cut) { return "cut-" + std::to_string(1000 + cut); };
  const std::size_t size = session(name(0), events).bytes.size();
  REQUIRE(size < most_streams);
  Served served({}, most_streams);
  std::uint64_t lost = 0;
  for (std::size_t cut = 0; cut <= size; ++cut) {
    CAPTURE(cut);
    const Session cut_off = session(name(cut), events);
    talk(served.port(), ByteSpan(cut_off.bytes).first(cut));
    lost += cut < size;
    if (cut % 64 != 0) continue;  // another connection goes on behind what was accepted
    const SendCounts rest = send_film(served, name(cut), 1, 7);
    CHECK(rest.skipped == cut_off.whole(cut));
    CHECK(rest.answered == 9 - rest.skipped);
  }
  const EventServerCounts counts = served.stop();
  CHECK(counts.lost == lost);
  CHECK(counts.refused == 0);
  auto streams = recorded(served);
  for (std::size_t cut = 0; cut <= size; ++cut) {
    CAPTURE(cut);
    const std::uint64_t accepted = cut % 64 == 0 ? 9 : session(name(cut), events).whole(cut);
    CHECK(begins(film(1, 7), streams[name(cut)], accepted));
  }
}

TEST_CASE("event server: a flipped bit ends its session; what was accepted before it stays") {
  const std::vector<Event> events = film(2, 4);
  const auto name = [](std::size_t bit) { return "bit-" + std::to_string(10000 + bit); };
  const std::size_t bits = 8 * session(name(0), events).bytes.size();
  for (std::size_t from = 0; from < bits; from += 3000) {
    Served served({}, most_streams);
    const std::size_t end = std::min(bits, from + 3000);
    std::uint64_t sessions = 0;
    for (std::size_t bit = from; bit < end; bit += 3, ++sessions) {
      Session damaged = session(name(bit), events);
      damaged.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      talk(served.port(), damaged.bytes);
    }
    const EventServerCounts counts = served.stop();
    CHECK(counts.refused + counts.lost == sessions);  // a longer record than was sent is waited for
    CHECK(counts.refused > sessions / 2);
    const std::string said = served.said();
    CHECK(std::count(said.begin(), said.end(), '\n') < 100);  // not a line each
    auto streams = recorded(served);
    for (std::size_t bit = from; bit < end; bit += 3) {
      CAPTURE(bit);
      CHECK(begins(events, streams[name(bit)], session(name(bit), events).whole(bit / 8)));
    }
  }
}

TEST_CASE("event server: what is no session of ours is refused with the reason, and the server stays up") {
  Served served;
  const std::uint16_t port = served.port();
  std::uint64_t refused = 0;
  const auto check = [&](const Peer::Heard& heard, const std::string& reason, bool for_now = false) {
    CAPTURE(reason);
    CAPTURE(heard.refusal);
    CHECK(says(heard.refusal, reason));
    CHECK(heard.for_now == for_now);
    CHECK(heard.answers.empty());
    ++refused;
  };
  const auto bytes_of = [](const std::string& text) { return frame::Bytes(text.begin(), text.end()); };
  check(talk(port, bytes_of("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")), "expected \"SACCADE\"");
  check(talk(port, frame::Bytes(100'000, 0xff)), "expected \"SACCADE\"");
  check(talk(port, wire::Writer(wire::answers_kind).take()), "expected kind \"views\"");

  const auto lie = [&](std::uint32_t length) {
    frame::Bytes bytes = session("liar", film(0, 1)).bytes;
    for (int i = 0; i < 4; ++i) bytes[record_file_header_bytes + 4 + i] = static_cast<std::uint8_t>(length >> (8 * i));
    return talk(port, bytes);
  };
  for (const std::uint32_t length : {0xffffffffu, 0x7fffffffu, 0x01000000u, 0x00020000u}) check(lie(length), "bytes");

  const auto hello = [&](const std::string& name) {
    wire::Writer writer(wire::events_kind);
    writer.hello({name, ""});
    return talk(port, writer.take());
  };
  for (const std::string name : {"../etc", "a b", "a\nb", "\xc3\xa4", "..", ".a"}) check(hello(name), "stream name");
  check(hello(std::string(65, 'n')), "1 to 64");

  const auto views = [&](const std::function<void(ViewFileHeader&)>& change) {
    wire::Writer writer(wire::events_kind);
    ViewFileHeader header = pixels_header();
    change(header);
    writer.views(header, false);
    return talk(port, writer.take());
  };
  check(views([](auto& h) { h.height = 4; }), "4x2x1, expected 3x2x1");
  check(views([](auto& h) { h.channels = 3; }), "3x2x3, expected 3x2x1");
  check(views([](auto& h) { h.height = 1 << 20, h.width = 16; }), "expected 3x2x1");
  check(views([](auto& h) { h.content = ViewFileHeader::Content::recipes; }), "expected pixels");

  check(say(served, "n", [](auto& w) { w.hello({"n", ""}); }), "a second greeting");
  check(say(served, "n", [](auto& w) { w.views(pixels_header(), false); }), "two records of type 4");
  check(say(served, "n", [](auto& w) { w.welcome({}); }), "got record type 8");
  check(say(served, "n", [](auto& w) { w.event(view_of(5, 0, 5)); }), "expected 6");
  wire::Writer unannounced(wire::events_kind);
  unannounced.hello({"n", ""});
  unannounced.event(view_of(0));
  check(talk(port, unannounced.take()), "expected a record of type 4 first");

  // Of numbers that would break the learner, or its keys.
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1e30f})
    check(say(served, "n", [&](auto& w) { w.event(view_of(5, value)); }), "got a view with the value");
  check(say(served, "n", [](auto& w) { w.event(view_of(std::numeric_limits<Time>::max())); }), "a time up to");
  check(say(served, "n", [](auto& w) { w.event(view_of(-1)); }), "a time from 0 on");

  CHECK(send_film(served, "n", 1, 6).answered == 7);
  check(say(served, "n", [](auto& w) { w.event(view_of(0)); }), "expected one after");
  check(say(served, "n", [](auto& w) { w.event(view_of(100)); }), "expected a saccade first");
  check(say(served, "n", [](auto& w) { w.event(Saccade{100, 0}); }), "expected the end of fixation 1");
  const EventServerCounts counts = served.stop();
  CHECK(counts.refused == refused);
  CHECK(counts.events == 7);
  CHECK(begins(film(1, 6), recorded(served)["n"], 7));
}

TEST_CASE("event server: a file of views is a session; a name in use and one stream too many are refused") {
  Served served({}, 2);
  {
    Peer first(served.port());
    wire::Writer writer(wire::events_kind);
    writer.views(pixels_header(), false);
    first.send(writer.take());
    const auto welcome = first.next();
    REQUIRE(welcome);
    CHECK(welcome->type == records::welcome_record);
    const Peer::Heard second = talk(served.port(), session("stream", film(0, 3)).bytes);
    CHECK(says(second.refusal, "\"stream\" is already being sent"));
    CHECK(second.for_now);
    first.finish();
    first.hear();
  }
  CHECK(send_film(served, "stream", 0, 3).answered == 3);
  CHECK(send_film(served, "other", 0, 3).answered == 3);
  const Peer::Heard third = talk(served.port(), session("third", film(0, 3)).bytes);
  CHECK(says(third.refusal, "2 streams already"));
  CHECK_FALSE(third.for_now);
  served.stop();
  CHECK(recorded(served).size() == 2);
}

TEST_CASE("event server: a stream takes its number with its first event") {
  Served served({}, 2);
  Peer early(served.port());
  wire::Writer writer(wire::events_kind);
  writer.hello({"early", ""});
  writer.views(pixels_header(), false);
  early.send(writer.take());
  const auto welcome = early.next();
  REQUIRE(welcome);
  CHECK(wire::read_welcome("the server", *welcome).stream == 0);
  CHECK(send_film(served, "late", 1, 3).answered == 3);
  writer.event(view_of(0));
  writer.views(pixels_header(), true);
  early.send(writer.take());
  CHECK(early.hear().answers.size() == 1);
  served.stop();
  CHECK(served.log->names() == std::vector<std::string>{"late", "early"});
  CHECK(recorded(served)["early"].size() == 1);
}

TEST_CASE("event server: what is dropped has to be in order, too") {
  EventServerOptions options;
  options.drop = true;
  options.waiting = 1;
  Served served(options);
  served.held = true;
  Peer peer(served.port());
  wire::Writer writer(wire::events_kind);
  writer.hello({"fast", ""});
  writer.views(pixels_header(), false);
  for (std::uint32_t view = 0; view < 4; ++view) {
    View next = view_of(100 * view);
    next.index = view;
    writer.event(next);
  }
  View back = view_of(250);
  back.index = 4;
  writer.event(back);
  peer.send(writer.take());
  REQUIRE(eventually([&] { return served.server->counts().refused == 1; }));
  served.held = false;
  const Peer::Heard heard = peer.hear();
  CHECK(says(heard.refusal, "event 4 is at 0.00025 s, expected one after 0.0003 s"));
  const EventServerCounts counts = served.stop();
  CHECK(counts.dropped >= 2);  // the learner may have fetched the first before the second came
  CHECK(counts.events + counts.dropped == 4);
}

TEST_CASE("event server: a sender goes on behind a closed file and behind a torn end") {
  Served served;
  CHECK(send_film(served, "one", 0, 30).answered == 39);
  served.stop();
  served.open({}, 4, true);
  CHECK(served.log->torn() == 0);
  const SendCounts more = send_film(served, "one", 0, 60);
  CHECK(more.skipped == 39);
  CHECK(more.views == 30);
  served.stop();
  // As a power failure may leave it.
  const std::filesystem::path partial = served.file.string() + ".partial";
  std::filesystem::rename(served.file, partial);
  std::filesystem::resize_file(partial, std::filesystem::file_size(partial) - 250);
  served.open({}, 4, true);
  CHECK(served.log->torn() > 0);
  const std::uint64_t left = served.log->events().events();
  CHECK(left < 79);
  CHECK(send_film(served, "one", 0, 60).skipped == left);
  served.stop();
  CHECK(served.learned.size() == 79 - left);
  const RecordedStream whole(served.file);
  CHECK(whole.recording().views == 60);
  CHECK_THROWS_AS(ArrivalLog::resume(real_files(), served.file, pixels_header(3)), InputError);
}

TEST_CASE("event server: stopped while senders wait, what was accepted is learned and answered, the rest is not") {
  EventServerOptions options;
  options.waiting = 4;
  Served served(options);
  served.held = true;
  std::array<Peer::Heard, 2> heard;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 2; ++i)
    threads.emplace_back(
        [&, i] { heard[i] = talk(served.port(), session("s" + std::to_string(i), film(i, 300)).bytes); });
  // The learner may have fetched its one event after both senders found no room: then three are left.
  REQUIRE(eventually([&] { return served.server->waiting() >= 3 && served.server->counts().connections == 2; }));
  const EventServerCounts counts = served.stop();
  for (std::thread& thread : threads) thread.join();
  auto streams = recorded(served);
  CHECK(served.learned.size() == counts.events);
  for (std::uint32_t i = 0; i < 2; ++i) {
    CHECK(says(heard[i].refusal, "the server stops"));
    CHECK(heard[i].for_now);
    CHECK(begins(film(i, 300), streams["s" + std::to_string(i)], heard[i].answers.size()));
  }
}

TEST_CASE("event server: an address that is taken or none is refused") {
  const Served served;
  EventServerOptions options;
  const TemporaryFolder folder;
  ArrivalLog log(real_files(), folder.path / "F.views", pixels_header());
  const auto open = [&] { EventServer(options, pixels_header(), log, [](const std::string&) {}); };
  options.port = served.port();
  CHECK_THROWS_WITH_AS(open(), doctest::Contains("cannot listen there"), InputError);
  options.host = "nowhere";
  CHECK_THROWS_WITH_AS(open(), doctest::Contains("expected an IP address"), InputError);
}

}  // namespace saccade::test
