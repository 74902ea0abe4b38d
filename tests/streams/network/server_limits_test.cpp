#include <doctest/doctest.h>

#include <ctime>

#include "streams/network/event_server.h"
#include "streams/network/served_films.h"

/// Who may come, how many, how long they may be silent, and how much waits for the learner.

namespace saccade::test {

TEST_CASE("event server: no token, a wrong one, the right one") {
  const TemporaryFolder folder;
  write_secret(folder.path / "token", "0123456789abcdef\n");
  EventServerOptions options;
  options.token = Token::read(folder.path / "token");
  Served served(options);
  const std::vector<Event> events = film(0, 3);
  CHECK(says(talk(served.port(), session("one", events).bytes).refusal, "a token is needed"));
  CHECK(says(talk(served.port(), session("one", events, "0123456789abcdeX").bytes).refusal, "not the token"));
  wire::Writer anonymous(wire::events_kind);
  anonymous.views(pixels_header(), false);
  CHECK(says(talk(served.port(), anonymous.take()).refusal, "a token is needed"));
  CHECK(talk(served.port(), session("one", events, "0123456789abcdef").bytes).answers.size() == 3);
  CHECK_FALSE(says(served.said(), "0123456789"));
  const EventServerCounts counts = served.stop();
  CHECK(counts.refused == 3);
  CHECK(recorded(served)["one"].size() == 3);
}

TEST_CASE("event server: a sender that is turned away is told so, and comes in when another has gone") {
  EventServerOptions options;
  options.connections = 1;
  Served served(options);
  auto first = std::make_unique<Peer>(served.port());
  wire::Writer greeting(wire::events_kind);
  greeting.hello({"first", ""});
  first->send(greeting.take());
  REQUIRE(first->next()->type == records::welcome_record);
  const Peer::Heard crowd = talk(served.port(), session("second", film(0, 3)).bytes);
  CHECK(says(crowd.refusal, "1 connections are open"));
  CHECK(says(crowd.refusal, "--connections"));
  CHECK(crowd.for_now);
  CHECK_FALSE(crowd.welcome);
  CHECK(served.server->counts().crowded == 1);
  std::string notices;
  SendOptions patient = to(served, "second");
  patient.retries = 1000;
  GivenStream stream(film(0, 3));
  const SendCounts sent = send(stream, patient,
                               {.answer = {},
                                .notice =
                                    [&](const std::string& text) {
                                      notices += text;
                                      first.reset();
                                    },
                                .stop = {}});
  CHECK(sent.answered == 3);
  CAPTURE(notices);
  CHECK(says(notices, "as many as --connections allows"));
  const EventServerCounts counts = served.stop();
  CHECK(counts.connections == 2);
  CHECK(counts.refused + counts.silent == 0);
}

TEST_CASE("event server: a sender that sends no event takes no place of a stream") {
  Served served({}, 2);
  const auto greeting = [](const std::string& name) {
    wire::Writer writer(wire::events_kind);
    writer.hello({name, ""});
    return writer.take();
  };
  for (int i = 0; i < 10; ++i) {
    Peer idle(served.port());
    idle.send(greeting("idle-" + std::to_string(i)));
    REQUIRE(idle.next()->type == records::welcome_record);
    idle.finish();
    CHECK(idle.hear().refusal.empty());
  }
  CHECK(say(served, "saccade", [](auto& w) {
          w.event(Saccade{0, 0});
        }).refusal.find("expected a view") < std::string::npos);
  CHECK(served.log->names().empty());
  CHECK(send_film(served, "a", 1, 6).answered == 7);
  {
    // A place is kept for one who is there.
    Peer idle(served.port());
    idle.send(greeting("idle"));
    REQUIRE(idle.next()->type == records::welcome_record);
    const Peer::Heard other = talk(served.port(), session("b", film(2, 6)).bytes);
    CHECK(says(other.refusal, "as many senders as stream.streams allows, 2"));
    CHECK(other.for_now);
    idle.finish();
    idle.hear();
  }
  CHECK(send_film(served, "b", 2, 6).answered == 7);
  const Peer::Heard third = talk(served.port(), session("c", film(3, 6)).bytes);
  CHECK(says(third.refusal, "2 streams already"));
  CHECK_FALSE(third.for_now);
  served.stop();
  CHECK(recorded(served).size() == 2);
}

TEST_CASE("event server: a peer that never reads costs little, is cut off, and holds nobody up") {
  EventServerOptions options;
  options.silence = 500ms;
  options.waiting = 64;
  Served served(options);
  served.updates = 100;  // answers of some kB
  constexpr std::uint64_t views = 60'000;
  const auto said =
      session("deaf", film(0, views)).bytes;  // made before it connects: that may take longer than `silence`
  std::thread deaf([&] {
    Peer peer(served.port(), 4096);
    CHECK_FALSE(peer.send(said));
  });
  const SendCounts sent = send_film(served, "good", 1, 1000);
  CHECK(sent.answered == 1333);
  CHECK(sent.reconnects == 0);
  deaf.join();
  const EventServerCounts counts = served.stop();
  CHECK(counts.silent == 1);
  CHECK(says(served.said(), "it reads no answers"));
  CHECK(served.most_waiting <= options.waiting);
  auto streams = recorded(served);
  CHECK(begins(film(1, 1000), streams["good"], 1333));
  const std::size_t accepted = streams["deaf"].size();
  CHECK(accepted > 100);
  CHECK(accepted < views / 4);  // it was read no further
  CHECK(begins(film(0, views), streams["deaf"], accepted));
}

TEST_CASE("event server: silent peers are cut off, before and behind their greeting; who waits for an answer is not") {
  EventServerOptions options;
  options.greeting = 300ms;
  options.silence = 1500ms;
  Served served(options);
  const frame::Bytes bytes = session("patient", {view_of(0)}).bytes;
  const auto cut_after = [&](std::size_t size) {
    Peer peer(served.port());
    peer.send(ByteSpan(bytes).first(size));
    return peer.hear();
  };
  CHECK_FALSE(cut_after(0).welcome);
  CHECK_FALSE(cut_after(40).welcome);
  CHECK(served.server->counts().silent == 2);
  CHECK(cut_after(bytes.size() - 60).welcome);
  CHECK(served.server->counts().silent == 3);
  CHECK(says(served.said(), "it sends nothing"));

  // The learner takes longer than peers may be silent, and the peer some time after the answer.
  served.held = true;
  Peer peer(served.port());
  wire::Writer writer(wire::events_kind);
  writer.hello({"slow", ""});
  writer.views(pixels_header(), false);
  writer.event(view_of(0));
  peer.send(writer.take());
  std::this_thread::sleep_for(2000ms);
  served.held = false;
  REQUIRE(peer.next()->type == records::welcome_record);
  REQUIRE(peer.next()->type == records::answer_record);
  std::this_thread::sleep_for(300ms);
  writer.views(pixels_header(), true);
  peer.send(writer.take());
  peer.hear();
  const EventServerCounts counts = served.stop();
  CHECK(counts.silent == 3);
  CHECK(counts.lost == 0);
}

TEST_CASE("event server: 1,000 connections, and more at a time than it takes") {
  EventServerOptions options;
  options.greeting = 500ms;
  options.connections = 16;
  Served served(options);
  for (int i = 0; i < 1000; ++i) Peer peer(served.port());
  REQUIRE(eventually([&] {
    const EventServerCounts counts = served.server->counts();
    return counts.connections + counts.crowded == 1000 && counts.lost == counts.connections;
  }));
  std::vector<std::unique_ptr<Peer>> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(std::make_unique<Peer>(served.port()));
  REQUIRE(eventually([&] { return served.server->counts().silent == 16; }));
  CHECK(served.server->counts().crowded >= 24);
  CHECK(send_film(served, "one", 0, 6).answered == 7);
  const EventServerCounts counts = served.stop();
  CHECK(counts.connections + counts.crowded == 1041);
  CHECK(counts.refused == 0);
  CHECK(recorded(served)["one"].size() == 7);
}

TEST_CASE("event server: 200,000 tiny messages are read past or end their session") {
  Served served;
  constexpr int many = 50'000;
  wire::Writer saccades(wire::events_kind), hellos(wire::events_kind);
  saccades.hello({"one", ""});
  saccades.views(pixels_header(), false);
  for (int i = 0; i < many; ++i) {
    saccades.event(Saccade{i, 0});
    hellos.hello({"two", ""});
  }
  talk(served.port(), saccades.take());
  talk(served.port(), hellos.take());
  CHECK(served.server->counts().refused == 2);

  wire::Writer writer(wire::events_kind);
  writer.hello({"three", ""});
  writer.views(pixels_header(), false);
  frame::Bytes named = writer.take();
  for (int i = 0; i < 2 * many; ++i) frame::append(named, named.size(), records::name_record, {});
  CHECK(talk(served.port(), named).refusal.empty());
  const EventServerCounts counts = served.stop();
  CHECK(counts.refused == 2);
  CHECK(counts.events == 0);
  CHECK(served.learned.empty());
}

TEST_CASE("event server: behind, it lets senders wait and loses nothing, or drops views and says so") {
  for (const bool drop : {false, true}) {
    CAPTURE(drop);
    EventServerOptions options;
    options.drop = drop;
    options.waiting = 8;
    Served served(options);
    served.pause_us = 300;
    const SendCounts sent = send_film(served, "fast", 3, 600);
    const EventServerCounts counts = served.stop();
    CHECK(sent.answered == 799);
    CHECK(sent.dropped == counts.dropped);
    CHECK((counts.dropped > 0) == drop);
    CHECK(counts.events + counts.dropped == 799);
    CHECK(says(served.said(), "the learner is behind"));
    CHECK(served.most_waiting <= options.waiting + (drop ? 200 : 0));  // saccades are kept
    CHECK(recorded(served)["fast"].size() == counts.events);           // and it is a stream
  }
}

TEST_CASE("event server: with room for one event all is learned, whoever sends") {
  EventServerOptions options;
  options.waiting = 1;
  Served served(options);
  std::thread other([&] { CHECK(send_film(served, "b", 2, 200).answered == 266); });
  CHECK(send_film(served, "a", 1, 200).answered == 266);
  other.join();
  served.stop();
  CHECK(served.most_waiting <= 1);
  auto streams = recorded(served);
  CHECK(begins(film(1, 200), streams["a"], 266));
  CHECK(begins(film(2, 200), streams["b"], 266));
}

TEST_CASE("event server: waiting for bytes to become free takes no time of the processor") {
  EventServerOptions options;
  options.waiting_bytes = 200;  // one view
  Served served(options);
  served.held = true;
  std::thread sender([&] { CHECK(send_film(served, "a", 1, 50).answered == 66); });
  REQUIRE(eventually([&] { return served.server->waiting() > 0; }));
  std::this_thread::sleep_for(50ms);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(400ms);
  CHECK(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC < 0.2);
  served.held = false;
  sender.join();
  served.stop();
  CHECK(served.learned.size() == 66);
}

TEST_CASE("event server: a sender that is faster than it may be is read later, and loses nothing") {
  EventServerOptions options;
  options.most_rate = 200;
  Served served(options);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(send_film(served, "fast", 1, 300).answered == 399);
  // The allowance is a second's events ahead of what has passed since it connected, and the last batch one record over.
  CHECK(std::chrono::steady_clock::now() - begin >= 900ms);
  served.stop();
  CHECK(begins(film(1, 300), recorded(served)["fast"], 399));
}

TEST_CASE("event server: it takes the views of its run and no more") {
  EventServerOptions options;
  options.most_views = 10;
  Served served(options);
  std::atomic<int> refusals = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      const Peer::Heard heard = talk(served.port(), session("s" + std::to_string(i), film(i, 20)).bytes);
      refusals += says(heard.refusal, "the run has its 10 views") && !heard.for_now;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(refusals == 2);
  served.stop();
  recorded(served);
  CHECK(RecordedStream(served.file).recording().views == 10);
}

}  // namespace saccade::test
