#include "streams/network/event_session.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "engine/error.h"

namespace saccade {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

/// Answers that a peer has not taken, from which on nothing more is read of it.
constexpr std::size_t unread_answers = 1 << 20;
constexpr std::chrono::seconds drain_time{2};

std::uint32_t most_message(const ViewFileHeader& header) {
  return static_cast<std::uint32_t>(header.values() * sizeof(float)) + wire::most_overhead;
}

std::string peer_name(const tcp::socket& socket) {
  boost::system::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  return error ? std::string("a peer") : fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

}  // namespace

EventSession::EventSession(ServerDesk& desk, std::uint64_t id, tcp::socket&& socket,
                           std::function<void(std::uint64_t)> closed)
    : desk_(desk),
      id_(id),
      socket_(std::move(socket)),
      closed_(std::move(closed)),
      pause_(socket_.get_executor()),
      parser_(peer_name(socket_), std::string(wire::events_kind), most_message(desk.header)),
      out_(wire::answers_kind),
      intake_(desk, id, peer_name(socket_), out_) {
  Error ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
}

void EventSession::stop(const std::string& why) { end(why, true); }

void EventSession::go_on() {
  if (waits_ == Waits::for_room) process();
}

void EventSession::answer(const wire::Answer& answer) {
  intake_.answered();
  out_.answer(answer);
}

void EventSession::flush() {
  write();
  if (waits_ == Waits::for_reader && out_.size() == 0 && unsent_ < unread_answers) process();
  end_when_answered();
}

void EventSession::check(Clock::time_point now) {
  if (phase_ == Phase::draining) {
    if (now - drains_ > drain_time) close();
    return;
  }
  const EventServerOptions& options = desk_.options;
  const bool reads_nothing = unsent_ > 0 && now - wrote_ > options.silence;
  const Clock::time_point since = intake_.greeted() ? std::max(listening_, wrote_) : born_;
  const bool sends_nothing =
      reading_ && intake_.unanswered() == 0 && now - since > (intake_.greeted() ? options.silence : options.greeting);
  if (!reads_nothing && !sends_nothing) return;
  desk_.counter.add(&EventServerCounts::silent, log());
  desk_.lines.say(
      fmt::format("{}: cut off: {}", intake_.what(), reads_nothing ? "it reads no answers" : "it sends nothing"));
  close();
}

void EventSession::read() {
  if (reading_ || phase_ == Phase::closed) return;
  reading_ = true;
  listening_ = Clock::now();
  socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](Error error, std::size_t size) {
    self->reading_ = false;
    if (self->phase_ == Phase::closed) return;
    if (error) return self->gone();
    if (self->phase_ == Phase::draining) return self->read();
    self->parser_.feed({self->chunk_.data(), size});
    self->process();
  });
}

/// All whole records for which there is room; then on reading, or waiting.
void EventSession::process() {
  waits_ = Waits::no;
  if (phase_ != Phase::open) return end_when_answered();
  try {
    if (!take_records()) return;
  } catch (const RefusedForNow& error) {
    return refuse(error.what(), true);
  } catch (const InputError& error) {
    return refuse(error.what(), false);
  } catch (...) {  // the disk: no event can be accepted any more
    desk_.queue.fail(std::current_exception());
    return close();
  }
  if (phase_ != Phase::open) return;
  if (out_.size() + unsent_ <= unread_answers) return read();
  waits_ = Waits::for_reader;
}

/// False when it has to wait.
bool EventSession::take_records() {
  while (phase_ == Phase::open) {
    if (wait_for_room()) return false;
    if (too_fast()) {
      intake_.publish();
      wait_for_time();
      return false;
    }
    const std::optional<Record> record = parser_.next();
    if (!record) break;
    if (const auto ended = intake_.take(*record)) end(ended->why);
  }
  intake_.publish();
  write();
  return true;
}

bool EventSession::wait_for_room() {
  if (!intake_.greeted() || desk_.options.drop || intake_.has_room()) return false;
  intake_.publish();
  if (intake_.has_room()) return false;
  waits_ = Waits::for_room;
  desk_.queue.park();
  desk_.tell_behind();
  if (desk_.queue.half_empty())  // it was emptied meanwhile
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->go_on(); });
  return true;
}

bool EventSession::too_fast() const {
  if (desk_.options.most_rate <= 0 || !intake_.greeted()) return false;
  const double seconds = std::chrono::duration<double>(Clock::now() - born_).count();
  return static_cast<double>(intake_.events()) > desk_.options.most_rate * (seconds + 1);
}

void EventSession::wait_for_time() {
  waits_ = Waits::for_time;
  pause_.expires_after(std::chrono::milliseconds(50));
  pause_.async_wait([self = shared_from_this()](Error error) {
    if (!error) self->process();
  });
}

void EventSession::end(const std::string& why, bool for_now) {
  if (phase_ != Phase::open) return;
  phase_ = Phase::ending;
  if (!why.empty()) refusal_ = {why, for_now};
  intake_.publish();
  end_when_answered();
}

void EventSession::refuse(const std::string& why, bool for_now) {
  desk_.counter.add(&EventServerCounts::refused, log());
  desk_.lines.say(why);
  end(why, for_now);
}

void EventSession::end_when_answered() {
  if (phase_ != Phase::ending || intake_.unanswered() > 0) return;
  if (refusal_) out_.refusal(refusal_->why, refusal_->for_now);
  refusal_.reset();
  write();
  if (unsent_ > 0) return;
  phase_ = Phase::draining;
  drains_ = Clock::now();
  Error ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  read();  // closing with bytes unread would take the last answers from a peer that still sends
}

void EventSession::write() {
  if (unsent_ > 0 || phase_ == Phase::closed || out_.size() == 0) return;
  sending_ = out_.take();
  unsent_ = sending_.size();
  wrote_ = Clock::now();
  write_some();
}

/// By pieces, so that a peer that takes some counts as reading.
void EventSession::write_some() {
  const auto rest = asio::buffer(sending_) + (sending_.size() - unsent_);
  socket_.async_write_some(rest, [self = shared_from_this()](Error error, std::size_t size) {
    if (self->phase_ == Phase::closed) return;
    if (error) return self->gone();
    self->wrote_ = Clock::now();
    self->unsent_ -= size;
    if (self->unsent_ > 0) return self->write_some();
    self->flush();
  });
}

/// The peer has closed, or the line is cut.
void EventSession::gone() {
  if (phase_ == Phase::open || intake_.unanswered() > 0) {
    desk_.counter.add(&EventServerCounts::lost, log());
    if (phase_ == Phase::open && intake_.greeted())
      desk_.lines.say(fmt::format("{}: the connection was lost", intake_.what()));
  }
  close();
}

void EventSession::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  Error ignored;
  socket_.close(ignored);
  pause_.cancel();
  intake_.leave();
  closed_(id_);
}

}  // namespace saccade
