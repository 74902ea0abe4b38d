#include "streams/network/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "engine/error.h"
#include "engine/view_records.h"
#include "streams/network/unanswered.h"

namespace saccade {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;
using Clock = SendSchedule::Clock;
using namespace std::chrono_literals;

constexpr std::size_t batch_bytes = 64 << 10;
constexpr auto tick = 20ms;
constexpr std::chrono::milliseconds longest_pause = 8s;

/// A connection that another one may make good.
struct Lost {
  std::string why;
};

/// What the connections of a stream share.
struct Sending {
  const SendOptions& options;
  const SendWatch& watch;
  UnansweredEvents events;
  SendSchedule schedule;
  SendCounts counts{};
  std::optional<Clock::time_point> begin{};  ///< first welcome

  bool stop() const { return watch.stop && watch.stop(); }
  void update() {
    counts.views = events.views();
    counts.saccades = events.saccades();
    counts.skipped = events.skipped();
    counts.answered = events.settled();
    if (begin) counts.seconds = std::chrono::duration<double>(Clock::now() - *begin).count();
  }
};

class Connection {
 public:
  explicit Connection(Sending& sending)
      : sending_(sending),
        events_(sending.events),
        what_(sending.options.to.text()),
        socket_(context_),
        tick_(context_),
        due_(context_),
        parser_(what_, std::string(wire::answers_kind), wire::most_overhead),
        out_(wire::events_kind) {}

  /// Until all is answered or the sender is interrupted. Throws Lost.
  void run() {
    tcp::resolver resolver(context_);
    Error error;
    const auto found =
        resolver.resolve(sending_.options.to.host, std::to_string(sending_.options.to.port.value()), error);
    if (error && !sending_.begin)
      throw InputError(fmt::format("{}: there is no such host: {}", what_, error.message()));
    if (error) throw Lost{error.message()};
    asio::async_connect(socket_, found, [this](Error failed, const tcp::endpoint&) {
      if (failed) throw Lost{"cannot connect: " + failed.message()};
      greet();
    });
    look_around();
    context_.run();
  }

 private:
  void greet() {
    moved();
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    const std::string& name = sending_.options.stream;
    out_.hello({name.empty() ? std::string(wire::default_stream) : name, sending_.options.token});
    write();
    read();
  }

  void read() {
    socket_.async_read_some(asio::buffer(chunk_), [this](Error error, std::size_t size) {
      if (error) return gone(error);
      moved();
      parser_.feed({chunk_.data(), size});
      while (const auto record = parser_.next()) take(*record);
      fill();  // what waited for answers
      read();
    });
  }

  void take(const Record& record) {
    if (record.type == records::refusal_record) {
      const std::string text = wire::read_refusal(what_, record);
      if (wire::is_for_now(what_, record)) throw Lost{text};
      throw InputError(fmt::format("{} refuses the stream: {}", what_, text));
    }
    if (record.type == records::welcome_record && !welcomed_) return enter(wire::read_welcome(what_, record));
    if (record.type == records::answer_record && welcomed_) return take_answer(wire::read_answer(what_, record));
    throw InputError(fmt::format("{}: got a record of type {}, expected {}", what_, record.type,
                                 welcomed_ ? "an answer" : "a welcome"));
  }

  void enter(const wire::Welcome& welcome) {
    welcomed_ = true;
    if (sending_.begin) ++sending_.counts.reconnects;
    if (!sending_.begin) sending_.begin = Clock::now();
    events_.connect(welcome);
    pack_header(false);
  }

  void take_answer(const wire::Answer& answer) {
    UnansweredEvents::Answered to;
    try {
      to = events_.answer(answer.event, Clock::now());
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", what_, error.what()));
    }
    SendCounts& counts = sending_.counts;
    counts.dropped += answer.dropped;
    counts.updated += answer.updated;
    if (to.view && !answer.dropped) counts.latency.add(to.seconds);
    sending_.update();
    if (sending_.watch.answer) sending_.watch.answer(to.event, answer, counts);
  }

  /// What is due, as far as there is room.
  void fill() {
    if (!welcomed_ || writing_ || ended_) return;
    while (out_.size() < batch_bytes) {
      if (!pending_) {
        if (events_.full()) break;
        pending_ = events_.next();
        if (!pending_) {
          end();
          break;
        }
        pending_due_ = sending_.schedule.due(*pending_, Clock::now());
      }
      if (pending_due_ > Clock::now()) {
        wait_until(pending_due_);
        break;
      }
      out_.event(*pending_);
      events_.packed(taken_ + out_.size());
      pending_.reset();
    }
    write();
  }

  void wait_until(Clock::time_point due) {
    due_.expires_at(due);
    due_.async_wait([this](Error error) {
      if (!error) fill();
    });
  }

  void end() {
    ended_ = true;
    pack_header(true);
  }

  void pack_header(bool end) {
    ViewFileHeader header = sending_.options.header;
    header.content = ViewFileHeader::Content::pixels;
    header.streams = 1;
    out_.views(header, end);
  }

  void write() {
    if (writing_ || out_.size() == 0) return;
    sending_bytes_ = out_.take();
    taken_ += sending_bytes_.size();
    writing_ = true;
    write_some(0);
  }

  void write_some(std::size_t from) {
    const auto rest = asio::buffer(sending_bytes_) + from;
    socket_.async_write_some(rest, [this, from](Error error, std::size_t size) {
      if (error) return;  // whoever closes may have said why: the reader finds that, or the end
      moved();
      written_ += size;
      events_.written(written_, Clock::now());
      if (from + size < sending_bytes_.size()) return write_some(from + size);
      writing_ = false;
      write();  // the end of an interrupted stream
      fill();
    });
  }

  /// The server's last word.
  void gone(const Error& error) {
    if (complete() || interrupted_) return finish();
    throw Lost{error == asio::error::eof ? "the server has closed the connection" : error.message()};
  }

  bool complete() const { return ended_ && !writing_ && !events_.waiting(); }
  void finish() {
    sending_.counts.interrupted = interrupted_;
    context_.stop();
  }

  void look_around() {
    const Clock::time_point now = Clock::now();
    if (sending_.stop() && !interrupted_) interrupt(now);
    if (interrupted_ && now > leave_) return finish();
    const bool owes = !welcomed_ || writing_ || ended_ || events_.waiting();
    if (owes && now - moved_ > sending_.options.silence) {
      if (complete()) return finish();
      throw Lost{fmt::format("nothing was read or answered for {:g} s",
                             std::chrono::duration<double>(sending_.options.silence).count())};
    }
    tick_.expires_after(tick);
    tick_.async_wait([this](Error) { look_around(); });
  }

  void interrupt(Clock::time_point now) {
    interrupted_ = true;
    leave_ = now + (welcomed_ ? sending_.options.farewell : 0ms);
    due_.cancel();
    if (!welcomed_ || ended_) return;
    end();
    write();
  }

  void moved() { moved_ = Clock::now(); }

  Sending& sending_;
  UnansweredEvents& events_;
  const std::string what_;
  asio::io_context context_{1};
  tcp::socket socket_;
  asio::steady_timer tick_, due_;
  FrameParser parser_;
  wire::Writer out_;
  std::array<std::uint8_t, batch_bytes> chunk_;
  frame::Bytes sending_bytes_;             ///< being written
  std::uint64_t taken_ = 0, written_ = 0;  ///< bytes of the connection: taken from out_, handed to the system
  std::optional<Event> pending_;           ///< not due yet
  Clock::time_point pending_due_{}, moved_ = Clock::now(), leave_{};
  bool welcomed_ = false, writing_ = false, ended_ = false, interrupted_ = false;
};

/// False when interrupted.
bool pause(const Sending& sending, std::chrono::milliseconds length) {
  for (const auto end = Clock::now() + length; Clock::now() < end; std::this_thread::sleep_for(tick))
    if (sending.stop()) return false;
  return true;
}

}  // namespace

SendCounts send(Stream& stream, const SendOptions& options, const SendWatch& watch) {
  Sending sending{options, watch, UnansweredEvents(stream), SendSchedule(options.rate)};
  std::uint64_t settled = 0;
  for (int failures = 0;;) {
    try {
      Connection(sending).run();
      break;
    } catch (const Lost& lost) {
      sending.update();
      if (std::exchange(settled, sending.counts.answered) != sending.counts.answered) failures = 0;
      if (failures == options.retries)
        throw SystemError(fmt::format(
            "{}: {}{}; {} events are with the server; the same command goes on behind them", options.to.text(),
            lost.why, options.retries > 0 ? fmt::format("; given up after {} more tries", options.retries) : "",
            sending.counts.skipped + sending.counts.answered));
      const auto length = std::min(options.first_pause * (1 << std::min(failures, 10)), longest_pause);
      ++failures;
      if (watch.notice)
        watch.notice(fmt::format("{}: {}; trying again in {:g} s ({} of {})", options.to.text(), lost.why,
                                 std::chrono::duration<double>(length).count(), failures, options.retries));
      if (!pause(sending, length)) {
        sending.counts.interrupted = true;
        break;
      }
    }
  }
  sending.update();
  return sending.counts;
}

}  // namespace saccade
