#pragma once
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/frame_parser.h"
#include "streams/network/event_intake.h"
#include "streams/network/wire.h"

namespace saccade {

/// One connection to a server: reads what EventIntake takes as long as there is room, and as the peer reads its
/// answers; writes these; ends the connection so that its peer gets the last word. On the server's thread.
class EventSession : public std::enable_shared_from_this<EventSession> {
 public:
  using Clock = std::chrono::steady_clock;

  /// `closed` is called once, when the connection is no more.
  EventSession(ServerDesk& desk, std::uint64_t id, boost::asio::ip::tcp::socket&& socket,
               std::function<void(std::uint64_t)> closed);

  void begin() { read(); }
  /// No more events: what was accepted is answered, then why; the same may be let in a little later.
  void stop(const std::string& why);
  /// Goes on after there was no room.
  void go_on();
  void answer(const wire::Answer& answer);
  /// Sends the answers.
  void flush();
  /// Cuts off a peer that is silent for longer than it may be.
  void check(Clock::time_point now);
  /// Where its events are recorded; null: nowhere yet.
  const ArrivalLog* log() const { return intake_.log(); }

 private:
  using Error = boost::system::error_code;
  enum class Phase {
    open,      ///< takes events
    ending,    ///< takes none; what was accepted is being answered
    draining,  ///< all is said; waits until the peer closes
    closed,
  };
  enum class Waits { no, for_room, for_reader, for_time };

  void read();
  void process();
  bool take_records();
  bool wait_for_room();
  bool too_fast() const;
  void wait_for_time();
  void end(const std::string& why, bool for_now = false);
  void refuse(const std::string& why, bool for_now);
  void end_when_answered();
  void write();
  void write_some();
  void gone();
  void close();

  ServerDesk& desk_;
  const std::uint64_t id_;
  boost::asio::ip::tcp::socket socket_;
  const std::function<void(std::uint64_t)> closed_;
  boost::asio::steady_timer pause_;
  FrameParser parser_;
  wire::Writer out_;
  EventIntake intake_;
  Phase phase_ = Phase::open;
  Waits waits_ = Waits::no;
  struct Refusal {
    std::string why;
    bool for_now = false;
  };
  std::optional<Refusal> refusal_;  ///< to be said last
  bool reading_ = false;
  frame::Bytes sending_;
  std::size_t unsent_ = 0;  ///< of it, at its end
  std::array<std::uint8_t, 64 << 10> chunk_;
  Clock::time_point born_ = Clock::now(), listening_ = born_, wrote_ = born_, drains_{};
};

}  // namespace saccade
