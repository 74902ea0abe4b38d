#pragma once
#include <doctest/doctest.h>

#include <map>

#include "streams/network/event_server.h"
#include "streams/network/sender.h"
#include "streams/network/served.h"
#include "streams/recorded_stream.h"

/// Films sent to a served network, and what its recording holds then.
namespace saccade::test {

using namespace std::chrono_literals;

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline SendOptions to(const Served& served, const std::string& name) {
  SendOptions options;
  options.to = {"127.0.0.1", served.port()};
  options.stream = name;
  options.header = pixels_header();
  options.first_pause = 50ms;
  return options;
}

inline SendCounts send_film(const Served& served, const std::string& name, std::uint32_t seed, std::uint64_t views) {
  GivenStream stream(film(seed, views));
  return send(stream, to(served, name));
}

/// The recording of a stopped server, by streams' names. Throws where it is not whole, or no streams.
inline std::map<std::string, std::vector<Event>> recorded(const Served& served) {
  const RecordedStream whole(served.file);
  ViewFileReader reader(real_files(), served.file);
  std::map<std::string, std::vector<Event>> streams;
  std::size_t events = 0;
  while (auto event = reader.next()) {
    const auto stream = std::visit([](const auto& e) { return e.stream; }, *event);
    // What was learned is what was recorded, in its order.
    REQUIRE(events < served.learned.size());
    REQUIRE(same_event(*event, served.learned[events]));
    ++events;
    streams[reader.names().at(stream)].push_back(std::move(*event));
  }
  CHECK(events == served.learned.size());
  CHECK(events == whole.recording().events);
  return streams;
}

/// Whether these are the first `count` of the others.
inline bool begins(const std::vector<Event>& whole, const std::vector<Event>& part, std::size_t count) {
  if (part.size() != count || whole.size() < count) return false;
  return std::equal(part.begin(), part.end(), whole.begin(), same_event);
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// A session that begins well and says this then.
inline Peer::Heard say(const Served& served, const std::string& name, const std::function<void(wire::Writer&)>& then) {
  wire::Writer writer(wire::events_kind);
  writer.hello({name, ""});
  writer.views(pixels_header(), false);
  then(writer);
  return talk(served.port(), writer.take());
}

inline View view_of(Time time, float value = 0, std::size_t values = 6) {
  return View{time, 0, 0, {}, std::make_shared<Pixels>(values, value)};
}

}  // namespace saccade::test
