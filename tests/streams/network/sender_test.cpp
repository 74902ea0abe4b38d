#include "streams/network/sender.h"

#include <doctest/doctest.h>

#include <atomic>

#include "engine/error.h"
#include "streams/network/scripted_server.h"
#include "streams/record_stream.h"

using namespace std::chrono_literals;

namespace saccade::test {
namespace {

using Peer = ScriptedServer::Peer;

/// Keeps what it is sent and answers it at once.
struct Keeper {
  explicit Keeper(const ViewFileHeader& of) : header(of) {}

  bool greet(Peer& peer) {
    const auto hello = peer.next();
    if (!hello) return false;
    greeting = wire::read_hello("hello", *hello);
    peer.writer.welcome(place);
    peer.send();
    return true;
  }
  /// Until the end of the stream or of the connection. `answering`: whether it tells what it has done.
  void serve(Peer& peer, bool answering = true, bool drop = false) {
    if (!greet(peer)) return;
    for (std::uint64_t number = 0;;) {
      const auto record = peer.next();
      if (!record || record->type == records::end_record) return;
      if (record->type == records::header_record) {
        const ViewFileHeader sent = records::read_header("sent", *record);
        as_pixels = as_pixels && sent.content == ViewFileHeader::Content::pixels && sent.values() == header.values();
        continue;
      }
      accept(*record);
      if (!answering) continue;
      peer.writer.answer({number, drop && number % 2 == 1, number % 3 == 0, {}});
      ++number;
      peer.send();
    }
  }
  void accept(const Record& record) {
    Event event;
    if (record.type == records::view_record)
      event = records::read_view("sent", record, header, true);
    else
      event = records::read_saccade("sent", record);
    ++place.accepted;
    if (const auto* view = std::get_if<View>(&event))
      place.time = view->time, place.fixation = view->fixation, place.index = view->index, place.looking = true;
    else
      place.looking = false;
    events.push_back(event);
  }

  ViewFileHeader header;
  wire::Welcome place;
  wire::Hello greeting;
  std::vector<Event> events;
  std::atomic<bool> as_pixels = true;
};

/// Nine views of a recording, and how they are sent.
struct Sent {
  explicit Sent(ViewFileHeader::Content content = ViewFileHeader::Content::pixels)
      : recording(folder.path / "F.views", content),
        stream(recording.file, content == ViewFileHeader::Content::pixels ? nullptr : recording.source) {
    options.header = stream.recording().header;
    options.first_pause = 1ms;
    options.silence = 20s;
  }
  SendCounts to(const ScriptedServer& server) {
    options.to = {"localhost", server.port()};
    return send(stream, options, watch);
  }
  std::string message(const ScriptedServer& server) {
    return message_of<std::runtime_error>([&] { to(server); });
  }
  std::uint64_t events() const { return stream.recording().events; }
  ViewFileHeader header() const {
    ViewFileHeader sent = options.header;
    sent.content = ViewFileHeader::Content::pixels;
    return sent;
  }
  bool arrived(const Keeper& keeper, std::uint64_t from = 0) {
    stream.seek(0);
    const std::vector<ScheduledEvent> expected = take(stream, 1000);
    if (keeper.events.size() != expected.size() - from) return false;
    for (std::size_t i = 0; i < keeper.events.size(); ++i)
      if (!same({expected[i + from].key, keeper.events[i]}, expected[i + from])) return false;
    return keeper.as_pixels;
  }

  TemporaryFolder folder;
  SmallRecording recording;
  RecordedStream stream;
  SendOptions options;
  SendWatch watch;
};

void check_whole(const SendCounts& counts, const Sent& sent) {
  CHECK(counts.views == 9);
  CHECK(counts.views + counts.saccades == sent.events());
  CHECK(counts.answered == sent.events());
  CHECK(counts.skipped == 0);
  CHECK_FALSE(counts.interrupted);
}

}  // namespace

TEST_CASE("a sender sends every event, in order and as pixels, and hears every answer") {
  for (const auto content : {ViewFileHeader::Content::pixels, ViewFileHeader::Content::recipes}) {
    Sent sent(content);
    Keeper keeper(sent.header());
    const ScriptedServer server([&](Peer& peer, int) { keeper.serve(peer, true, true); });
    sent.options.stream = "left-eye", sent.options.token = "0123456789abcdef";
    std::vector<std::uint64_t> answered;
    sent.watch.answer = [&](std::uint64_t event, const wire::Answer& answer, const SendCounts&) {
      CHECK(answer.event == event);
      answered.push_back(event);
    };
    const SendCounts counts = sent.to(server);
    check_whole(counts, sent);
    CHECK(sent.arrived(keeper));
    CHECK(keeper.greeting.stream == "left-eye");
    CHECK(keeper.greeting.token == "0123456789abcdef");
    REQUIRE(answered.size() == sent.events());
    CHECK(std::is_sorted(answered.begin(), answered.end()));
    CHECK(counts.dropped == sent.events() / 2);
    CHECK(counts.updated == (sent.events() + 2) / 3);
    CHECK(counts.latency.count() > 0);
    CHECK(counts.latency.count() <= counts.views);
    CHECK(counts.latency.quantile(0.99) < 10);
    CHECK(counts.reconnects == 0);
  }
}

TEST_CASE("a sender goes on behind what the server has") {
  for (std::uint64_t had = 1; had <= 13; ++had) {
    CAPTURE(had);
    Sent sent;
    REQUIRE(sent.events() >= had);
    Keeper keeper(sent.header());
    for (const ScheduledEvent& event : take(sent.stream, had)) {
      ++keeper.place.accepted;
      keeper.place.looking = std::holds_alternative<View>(event.event);
      if (const auto* view = std::get_if<View>(&event.event))
        keeper.place.time = view->time, keeper.place.fixation = view->fixation, keeper.place.index = view->index;
    }
    sent.stream.seek(0);
    const ScriptedServer server([&](Peer& peer, int) { keeper.serve(peer); });
    const SendCounts counts = sent.to(server);
    CHECK(counts.skipped == had);
    CHECK(counts.views + counts.saccades == sent.events() - had);
    CHECK(counts.answered == sent.events() - had);
    CHECK(sent.arrived(keeper, had));
  }
}

TEST_CASE("a connection that is cut at any byte is made again, and nothing is lost or sent twice") {
  // Answers told, and answers that the cut takes with it.
  for (const bool answering : {true, false})
    for (std::size_t most = 1; most < 2200; most += 97) {
      CAPTURE(most);
      CAPTURE(answering);
      Sent sent;
      Keeper keeper(sent.header());
      const ScriptedServer server([&](Peer& peer, int connection) {
        if (connection < 2) peer.most = most * (connection + 1);
        keeper.serve(peer, answering || connection >= 2);
      });
      int notices = 0;
      sent.watch.notice = [&](const std::string& text) {
        ++notices;
        CHECK(text.find("trying again") != std::string::npos);
      };
      const SendCounts counts = sent.to(server);
      CHECK(notices >= 1);
      CHECK(sent.arrived(keeper));
      CHECK(counts.views + counts.saccades + counts.skipped == sent.events());
      CHECK(counts.answered + counts.skipped == sent.events());
    }
}

TEST_CASE("a server that refuses is heard, and asked again only where it says so") {
  Sent sent;
  {
    const ScriptedServer server([](Peer& peer, int) {
      peer.next();
      peer.writer.refusal("this is not the token");
      peer.send();
    });
    CHECK(sent.message(server).find("refuses the stream: this is not the token") != std::string::npos);
    CHECK(server.connections() <= 1);
  }
  Keeper keeper(sent.header());
  int asked = 0;
  const ScriptedServer server([&](Peer& peer, int connection) {
    ++asked;
    if (connection >= 2) return keeper.serve(peer);
    peer.next();
    peer.writer.refusal("already being sent", true);
    peer.send();
  });
  check_whole(sent.to(server), sent);
  CHECK(asked == 3);
  sent.stream.seek(0);
  sent.options.retries = 1;
  const ScriptedServer never([](Peer& peer, int) {
    peer.next();
    peer.writer.refusal("already being sent", true);
    peer.send();
  });
  CHECK_THROWS_AS(sent.to(never), SystemError);
  sent.stream.seek(0);
  CHECK(sent.message(never).find("already being sent") != std::string::npos);
}

TEST_CASE("a server that is silent, is not there, or says something else is given up") {
  Sent sent;
  sent.options.retries = 1;
  sent.options.silence = 60ms;
  const auto silent = [](Peer& peer, int) {
    while (peer.next()) continue;
  };
  {
    const ScriptedServer server(silent);
    CHECK(sent.message(server).find("nothing was read or answered for 0.06 s") != std::string::npos);
    CHECK_THROWS_AS(sent.to(server), SystemError);
  }
  Keeper keeper(sent.header());
  const ScriptedServer unanswering([&](Peer& peer, int) {
    keeper.greet(peer);
    silent(peer, 0);
  });
  CHECK(sent.message(unanswering).find("given up after 1 more tries") != std::string::npos);

  sent.stream.seek(0);
  std::uint16_t closed = 0;
  closed = ScriptedServer(silent).port();
  sent.options.to = {"127.0.0.1", closed};
  CHECK(message_of<SystemError>([&] { send(sent.stream, sent.options); }).find("cannot connect") != std::string::npos);

  for (const auto& say : std::initializer_list<std::function<void(wire::Writer&)>>{
           [](wire::Writer& writer) {
             writer.answer({0, false, false, {}});
           },
           [](wire::Writer& writer) {
             writer.hello({"a", "b"});
           },
           [](wire::Writer& writer) {
             writer.welcome({});
             writer.answer({1000, false, false, {}});
           },
           [](wire::Writer& writer) { writer.event(Saccade{}); }}) {
    Sent other;
    const ScriptedServer server([&](Peer& peer, int) {
      peer.next();
      say(peer.writer);
      peer.send();
      silent(peer, 0);
    });
    CHECK_THROWS_AS(other.to(server), InputError);
  }
}

TEST_CASE("an answer is taken once") {
  Sent sent;
  Keeper keeper(sent.header());
  const ScriptedServer server([&](Peer& peer, int) {
    keeper.greet(peer);
    for (int i = 0; i < 3; ++i) peer.next();
    for (const std::uint64_t event : {1, 0, 1}) peer.writer.answer({event, false, false, {}});
    peer.send();
    while (peer.next()) continue;
  });
  CHECK(sent.message(server).find("got an answer to event 1,") != std::string::npos);
}

TEST_CASE("an interrupted sender ends its stream and waits for the answers") {
  Sent sent;
  sent.options.rate = {SendRate::Kind::fixed, 50};
  Keeper keeper(sent.header());
  bool ended = false;
  {
    const ScriptedServer server([&](Peer& peer, int) {
      keeper.serve(peer);
      ended = true;
    });
    bool stop = false;
    sent.watch.answer = [&](std::uint64_t event, const wire::Answer&, const SendCounts&) { stop = event >= 3; };
    sent.watch.stop = [&] { return stop; };
    const SendCounts counts = sent.to(server);
    CHECK(counts.interrupted);
    CHECK(counts.answered >= 4);
    CHECK(counts.answered < sent.events());
    CHECK(counts.answered == counts.views + counts.saccades);
  }
  CHECK(ended);
  // While it waits to try again.
  Sent waiting;
  waiting.options.to = {"127.0.0.1", 1};
  waiting.options.first_pause = 1h;
  bool noticed = false;
  waiting.watch.notice = [&](const std::string&) { noticed = true; };
  waiting.watch.stop = [&] { return noticed; };
  CHECK(send(waiting.stream, waiting.options, waiting.watch).interrupted);
}

TEST_CASE("views are sent at their rate") {
  Sent sent;
  sent.options.rate = {SendRate::Kind::fixed, 100};
  Keeper keeper(sent.header());
  const ScriptedServer server([&](Peer& peer, int) { keeper.serve(peer); });
  const SendCounts counts = sent.to(server);
  check_whole(counts, sent);
  CHECK(counts.seconds >= 0.08);  // eight distances between nine views
}

TEST_CASE("a schedule keeps to its grid, and does not hurry after a pause") {
  using Clock = SendSchedule::Clock;
  const auto view = [](Time time) { return Event(View{time, 0, 0, {}, nullptr}); };
  const Clock::time_point start{};
  SendSchedule fixed({SendRate::Kind::fixed, 10});
  CHECK(fixed.due(view(0), start) == start);
  CHECK(fixed.due(view(0), start + 3ms) == start + 100ms);
  CHECK(fixed.due(Saccade{}, start + 107ms) == start + 107ms);
  CHECK(fixed.due(view(0), start + 108ms) == start + 200ms);
  CHECK(fixed.due(view(0), start + 950ms) == start + 950ms);
  CHECK(fixed.due(view(0), start + 950ms) == start + 1050ms);

  SendSchedule recorded({SendRate::Kind::recorded, 0});
  CHECK(recorded.due(view(5'000), start) == start);
  CHECK(recorded.due(view(7'000), start) == start + 2ms);
  CHECK(recorded.due(Saccade{17'000, 0}, start + 1ms) == start + 12ms);
  CHECK(recorded.due(view(0), start + 12ms) == start + 12ms);  // sent again

  SendSchedule most({});
  CHECK(most.due(view(5), start + 1ms) == start + 1ms);
}

TEST_CASE("rates and addresses are read, and nothing else") {
  CHECK(send_rate("max")->kind == SendRate::Kind::max);
  CHECK(send_rate("recorded")->kind == SendRate::Kind::recorded);
  CHECK(send_rate("29.97")->views_per_second == 29.97);
  for (const char* wrong : {"", "0", "-1", "nan", "inf", "30x", "1e7", "Max", " 30"}) CHECK_FALSE(send_rate(wrong));
  CHECK(split_host_port("[::1]:80")->host == "::1");
  CHECK(split_host_port("[::1]:80")->text() == "[::1]:80");
  CHECK(split_host_port("a.b:1")->text() == "a.b:1");
  for (const char* wrong : {"", ":80", "a:", "a:65536", "::1", "[a]:1", "[::1]80", "a:-1"})
    CHECK_FALSE(split_host_port(wrong));
}

TEST_CASE("latencies are counted to two per cent") {
  Latency latency;
  CHECK(latency.quantile(0.5) == 0);
  for (int i = 1; i <= 1000; ++i) latency.add(i * 1e-4);
  CHECK(latency.count() == 1000);
  CHECK(latency.quantile(0.5) == doctest::Approx(0.05).epsilon(0.02));
  CHECK(latency.quantile(0.99) == doctest::Approx(0.099).epsilon(0.02));
  latency.add(0), latency.add(1e9);
  CHECK(latency.quantile(0.9999) == doctest::Approx(1e3).epsilon(0.02));
}

}  // namespace saccade::test
