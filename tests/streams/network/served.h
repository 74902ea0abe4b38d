#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <thread>

#include "engine/event_records.h"
#include "engine/view_records.h"
#include "streams/network/event_server.h"
#include "streams/network/wire.h"
#include "streams/same_event.h"
#include "streams/stream.h"
#include "tools/temporary_folder.h"

/// An event server as it runs, and peers that talk to it byte by byte.
namespace saccade::test {

inline ViewFileHeader pixels_header(std::uint32_t streams = 1) {
  ViewFileHeader header;
  header.height = 3, header.width = 2, header.channels = 1;
  header.content = ViewFileHeader::Content::pixels;
  header.source_name = "test";
  header.streams = streams;
  return header;
}

/// Fixations of three views, a saccade between two; `seed` is in times and pixels.
inline std::vector<Event> film(std::uint32_t seed, std::uint64_t views) {
  std::vector<Event> events;
  const auto time = [&] { return static_cast<Time>(10 * events.size() + seed); };
  for (std::uint64_t view = 0; view < views; ++view) {
    if (view > 0 && view % 3 == 0) events.push_back(Saccade{time(), view / 3 - 1});
    const auto pixels = std::make_shared<Pixels>(6, static_cast<float>((view + 7 * seed) % 256) / 100);
    events.push_back(View{time(), view / 3, static_cast<std::uint32_t>(view % 3), {}, pixels});
  }
  return events;
}

/// Events, as they are.
class GivenStream final : public Stream {
 public:
  explicit GivenStream(std::vector<Event> events) : events_(std::move(events)) {}
  std::optional<ScheduledEvent> next() override {
    if (at_ == events_.size()) return std::nullopt;
    return ScheduledEvent{{}, events_[at_++]};
  }
  void seek(std::uint64_t view) override {
    for (at_ = 0; view > 0; ++at_) view -= std::holds_alternative<View>(events_.at(at_));
  }

 private:
  std::vector<Event> events_;
  std::size_t at_ = 0;
};

/// A server with a learner that keeps what it is given and answers it, until stop().
class Served {
 public:
  explicit Served(const EventServerOptions& options = {}, std::uint32_t streams = 4) { open(options, streams, false); }
  ~Served() { stop(); }

  void open(const EventServerOptions& options, std::uint32_t streams, bool resume) {
    stopping_ = false;
    learned.clear();
    const ViewFileHeader header = pixels_header(streams);
    log.emplace(resume ? ArrivalLog::resume(real_files(), file, header) : ArrivalLog(real_files(), file, header));
    server = std::make_unique<EventServer>(options, header, *log, [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      said_ += line + "\n";
    });
    learner_ = std::thread([this] { learn(); });
  }
  /// What it has seen. What was accepted is learned, and the recording is whole.
  EventServerCounts stop() {
    if (!server) return {};
    stopping_ = true;
    learner_.join();
    const EventServerCounts counts = server->counts();
    server.reset();
    log->close();
    return counts;
  }
  std::string said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  std::uint16_t port() const { return server->port(); }

  TemporaryFolder folder;
  std::filesystem::path file = folder.path / "arrivals.views";
  std::optional<ArrivalLog> log;
  std::unique_ptr<EventServer> server;
  std::vector<Event> learned;                ///< after stop()
  std::atomic<int> pause_us = 0;             ///< that learning from an event takes
  std::atomic<bool> held = false;            ///< learning from an event does not end
  std::atomic<int> updates = 0;              ///< with each answer
  std::atomic<std::size_t> most_waiting{0};  ///< that were seen

 private:
  void learn() {
    for (bool stopped = false;;) {
      if (stopping_ && !std::exchange(stopped, true)) server->stop();
      most_waiting = std::max<std::size_t>(most_waiting, server->waiting());
      const auto arrival = server->next(std::chrono::milliseconds(stopped ? 0 : 5));
      if (!arrival && stopped) return;
      if (!arrival) continue;
      learned.push_back(arrival->event);
      while (held && !stopping_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
      const std::vector<UpdateRecord> told(static_cast<std::size_t>(updates));
      server->answer({Event{}, arrival->connection, arrival->number}, std::holds_alternative<View>(arrival->event),
                     told);
    }
  }

  mutable std::mutex mutex_;
  std::string said_;
  std::atomic<bool> stopping_ = false;
  std::thread learner_;
};

/// A peer's bytes, and how many of them end each event's record.
struct Session {
  frame::Bytes bytes;
  std::vector<std::size_t> ends;
  std::uint64_t whole(std::size_t cut) const {
    return static_cast<std::uint64_t>(std::upper_bound(ends.begin(), ends.end(), cut) - ends.begin());
  }
};

inline Session session(const std::string& name, const std::vector<Event>& events, const std::string& token = "") {
  wire::Writer writer(wire::events_kind);
  Session session;
  writer.hello({name, token});
  writer.views(pixels_header(), false);
  for (const Event& event : events) {
    writer.event(event);
    session.ends.push_back(writer.size());
  }
  writer.views(pixels_header(), true);
  session.bytes = writer.take();
  return session;
}

/// A connection to a server.
class Peer {
 public:
  using tcp = boost::asio::ip::tcp;

  /// `room`: of the system's, for answers that are not read; 0 leaves it.
  explicit Peer(std::uint16_t port, int room = 0) {
    socket_.open(tcp::v4());
    if (room > 0) socket_.set_option(tcp::socket::receive_buffer_size(room));
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
  }
  /// False when the server has closed.
  bool send(ByteSpan bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
  }
  /// No more will be sent.
  void finish() {
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  /// Nothing when the server has closed.
  std::optional<Record> next() {
    for (;;) {
      if (auto record = parser_.next()) return record;
      boost::system::error_code error;
      const std::size_t size = socket_.read_some(boost::asio::buffer(bytes_), error);
      if (error) return std::nullopt;
      parser_.feed({bytes_.data(), size});
    }
  }

  struct Heard {
    std::optional<wire::Welcome> welcome;
    std::vector<wire::Answer> answers;
    std::string refusal;
    bool for_now = false;
  };
  /// All until the server closes.
  Heard hear() {
    Heard heard;
    while (const auto record = next()) {
      if (record->type == records::welcome_record) heard.welcome = wire::read_welcome("the server", *record);
      if (record->type == records::answer_record) heard.answers.push_back(wire::read_answer("the server", *record));
      if (record->type != records::refusal_record) continue;
      heard.refusal = wire::read_refusal("the server", *record);
      heard.for_now = wire::is_for_now("the server", *record);
    }
    return heard;
  }

 private:
  boost::asio::io_context context_;
  tcp::socket socket_{context_};
  FrameParser parser_{"the server", std::string(wire::answers_kind), 1 << 20};
  std::array<std::uint8_t, 16384> bytes_{};
};

/// Sends all and waits until the server closes.
inline Peer::Heard talk(std::uint16_t port, ByteSpan bytes) {
  Peer peer(port);
  peer.send(bytes);
  peer.finish();
  return peer.hear();
}

}  // namespace saccade::test
