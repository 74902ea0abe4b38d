#include "streams/network/event_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <thread>

#include "engine/error.h"
#include "engine/event_records.h"
#include "engine/view_records.h"
#include "streams/network/wire.h"
#include "streams/shape_text.h"

namespace saccade {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 64 << 10;
/// Answers that a peer has not taken, from which on nothing more is read of it.
constexpr std::size_t unread_answers = 1 << 20;
/// Of a view's values; standardised ones stay far below.
constexpr float largest_value = 1000;

std::size_t bytes_of(const Event& event) {
  const auto* view = std::get_if<View>(&event);
  return sizeof(Event) + (view && view->pixels ? view->pixels->size() * sizeof(float) : 0);
}

/// Accepted events between the server's thread and the learner's.
class ArrivalQueue {
 public:
  void push(Arrival&& arrival) {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes_of(arrival.event);
    queue_.push_back(std::move(arrival));
    came_.notify_one();
  }
  std::optional<Arrival> pop(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, wait, [&] { return !queue_.empty() || fault_; });
    if (queue_.empty() && fault_) std::rethrow_exception(fault_);
    if (queue_.empty()) return {};
    Arrival first = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= bytes_of(first.event);
    return first;
  }
  void fail(std::exception_ptr fault) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    came_.notify_one();
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
  }
  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<Arrival> queue_;
  std::size_t bytes_ = 0;
  std::exception_ptr fault_;
};

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

void listen(tcp::acceptor& acceptor, const EventServerOptions& options) {
  try {
    const tcp::endpoint endpoint(asio::ip::make_address(options.host), options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  } catch (const boost::system::system_error& error) {
    throw InputError(
        fmt::format("--listen {}:{}: cannot listen there: {}; expected an IP address of this machine and a "
                    "port that is free (0: any)",
                    options.host, options.port, error.code().message()));
  }
}

}  // namespace

class EventServer::Implementation {
 public:
  Implementation(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLog& log,
                 std::function<void(const std::string&)> say)
      : options_(options),
        header_(header),
        log_(log),
        say_(std::move(say)),
        acceptor_(context_),
        second_(context_),
        syncing_(context_) {
    listen(acceptor_, options_);
    port_ = acceptor_.local_endpoint().port();
    accept();
    each_second();
    sync_later();
    thread_ = std::thread([this] { run(); });
  }

  ~Implementation() {
    asio::post(context_, [this] { end(); });
    thread_.join();
    sessions_.clear();  // before the context that their sockets belong to
  }

  std::uint16_t port() const { return port_; }

  std::optional<Arrival> next(std::chrono::milliseconds wait) {
    std::optional<Arrival> arrival = queue_.pop(wait);
    if (arrival && parked_.load() && half_empty()) {
      parked_ = false;
      asio::post(context_, [this] { wake(); });
    }
    return arrival;
  }

  void answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) {
    if (arrival.connection == 0) return;
    {
      const std::lock_guard lock(answers_mutex_);
      answers_.push_back({arrival.connection, {arrival.number, false, updated, std::move(updates)}});
      if (answers_.size() > 1) return;  // the first one has called for delivery
    }
    asio::post(context_, [this] { deliver(); });
  }

  void stop() {
    const auto stopped = std::make_shared<std::promise<void>>();
    asio::post(context_, [this, stopped] {
      refuse_all("the server stops; this stream goes on where it is when the server is there again");
      stopped->set_value();
    });
    // A thread that a fault has ended does not answer: next() throws the fault.
    stopped->get_future().wait_for(std::chrono::seconds(5));
  }

  std::size_t waiting() const { return queue_.size(); }

  EventServerCounts counts() const {
    const std::lock_guard lock(counts_mutex_);
    return counts_;
  }

 private:
  class Session;
  friend class Session;

  void run();
  void accept();
  void each_second();
  void sync_later();
  void wake();
  void deliver();
  void refuse_all(const std::string& why);
  void end();
  bool has_room(std::size_t events, std::size_t bytes) const {
    return queue_.size() + events < options_.waiting && queue_.bytes() + bytes < options_.waiting_bytes;
  }
  /// Emptied enough for those who wait for room.
  bool half_empty() const {
    return queue_.size() <= options_.waiting / 2 && queue_.bytes() <= options_.waiting_bytes / 2;
  }
  bool full_of_views() const { return options_.most_views > 0 && log_.events().views() >= options_.most_views; }
  template <class Change>
  void count(Change change) {
    const std::lock_guard lock(counts_mutex_);
    change(counts_);
  }
  void tell_behind() {
    if (std::exchange(behind_, true)) return;
    say(options_.drop ? "the learner is behind: views are dropped" : "the learner is behind: senders wait");
  }
  /// At most a few lines a second, and how many were not said.
  void say(const std::string& line) {
    const Clock::time_point now = Clock::now();
    if (now - said_second_ > std::chrono::seconds(1)) {
      if (unsaid_ > 0) say_(fmt::format("{} more lines of this kind", unsaid_));
      said_second_ = now, said_ = 0, unsaid_ = 0;
    }
    if (++said_ > 5)
      ++unsaid_;
    else
      say_(line);
  }

  const EventServerOptions options_;
  const ViewFileHeader header_;
  ArrivalLog& log_;
  const std::function<void(const std::string&)> say_;
  ArrivalQueue queue_;
  std::atomic<bool> parked_ = false;  ///< someone waits for room
  std::mutex answers_mutex_;
  std::vector<std::pair<std::uint64_t, wire::Answer>> answers_;
  mutable std::mutex counts_mutex_;
  EventServerCounts counts_;
  Clock::time_point said_second_{};
  int said_ = 0, unsaid_ = 0;
  bool behind_ = false;  ///< the learner, as was said

  std::map<std::uint64_t, std::shared_ptr<Session>> sessions_;
  std::uint64_t last_session_ = 0, first_woken_ = 0;
  std::optional<Clock::time_point> deadline_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer second_, syncing_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// One connection.
class EventServer::Implementation::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Implementation& server, std::uint64_t id, tcp::socket&& socket)
      : server_(server),
        id_(id),
        socket_(std::move(socket)),
        pause_(server.context_),
        what_(peer_name()),
        parser_(what_, std::string(wire::events_kind), most_message(server.header_)),
        out_(wire::answers_kind) {
    Error ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  void begin() { read(); }

  /// Goes on after there was no room.
  void go_on() {
    if (std::exchange(waiting_for_room_, false)) process();
  }

  void answer(const wire::Answer& answer) {
    --unanswered_;
    out_.answer(answer);
  }
  void flush() {
    write();
    if (out_.size() == 0 && unsent_ < unread_answers && waiting_for_reader_) {
      waiting_for_reader_ = false;
      process();
    }
    maybe_end();
  }

  /// No more events: what was accepted is answered, then why.
  void stop(const std::string& why) {
    if (!closing_) closing_ = why, refusal_ = for_now_ = true;
    maybe_end();
  }

  /// Whether it is silent for longer than it may be.
  void check(Clock::time_point now) {
    const auto limit = greeted_ ? server_.options_.silence : server_.options_.greeting;
    const bool reads_nothing = writing_ && now - wrote_ > server_.options_.silence;
    const Clock::time_point since = greeted_ ? std::max(listening_, wrote_) : born_;
    const bool sends_nothing = reading_ && unanswered_ == 0 && now - since > limit;
    if (ended_ && now - ended_at_ > std::chrono::seconds(2)) return close();
    if (!reads_nothing && !sends_nothing) return;
    server_.count([](auto& c) { ++c.silent; });
    server_.say(fmt::format("{}: cut off: {}", what_, reads_nothing ? "it reads no answers" : "it sends nothing"));
    close();
  }

  const std::string& stream_name() const { return name_; }
  bool has_stream() const { return stream_.has_value(); }
  void close() {
    if (closed_) return;
    closed_ = true;
    Error ignored;
    socket_.close(ignored);
    pause_.cancel();
    server_.sessions_.erase(id_);
  }

 private:
  static std::uint32_t most_message(const ViewFileHeader& header) {
    return static_cast<std::uint32_t>(header.values() * sizeof(float)) + wire::most_overhead;
  }

  std::string peer_name() const {
    Error error;
    const tcp::endpoint peer = socket_.remote_endpoint(error);
    return error ? std::string("a peer") : fmt::format("{}:{}", peer.address().to_string(), peer.port());
  }

  void read() {
    if (reading_ || closed_) return;
    reading_ = true;
    listening_ = Clock::now();
    socket_.async_read_some(asio::buffer(chunk_), [self = shared_from_this()](Error error, std::size_t size) {
      self->reading_ = false;
      if (self->closed_) return;
      if (error) return self->gone();
      if (self->ended_) return self->drain(size);
      self->feed(size);
    });
  }

  void feed(std::size_t size) {
    parser_.feed({chunk_.data(), size});
    process();
  }

  void gone() {
    if (!ended_ && !(said_end_ && unanswered_ == 0)) {
      server_.count([](auto& c) { ++c.lost; });
      if (greeted_ && !said_end_) server_.say(fmt::format("{}: the connection was lost", what_));
    }
    close();
  }

  /// All whole records for which there is room; then on reading, or waiting.
  void process() {
    if (closed_ || ended_ || closing_) return maybe_end();
    try {
      if (!records()) return;
    } catch (const InputError& error) {
      publish();
      return refuse(error.what());
    } catch (...) {  // the disk: no event can be accepted any more
      server_.queue_.fail(std::current_exception());
      return close();
    }
    if (closing_) return maybe_end();
    if (out_.size() + unsent_ > unread_answers) {
      waiting_for_reader_ = true;
      return;
    }
    read();
  }

  /// False when it has to wait.
  bool records() {
    while (!closing_) {
      if (greeted_ && !server_.options_.drop && !server_.has_room(accepted_.size(), accepted_bytes_)) {
        publish();
        if (!server_.has_room(0, 0)) {
          waiting_for_room_ = true;
          server_.parked_ = true;
          server_.tell_behind();
          if (server_.half_empty()) go_on_later();  // it was emptied meanwhile
          return false;
        }
      }
      if (too_fast()) {
        publish();
        pause_.expires_after(std::chrono::milliseconds(50));
        pause_.async_wait([self = shared_from_this()](Error error) {
          if (!error) self->process();
        });
        return false;
      }
      const std::optional<Record> record = parser_.next();
      if (!record) break;
      take(*record);
    }
    publish();
    write();
    return true;
  }

  void go_on_later() {
    asio::post(server_.context_, [self = shared_from_this()] { self->go_on(); });
  }

  bool too_fast() {
    if (server_.options_.most_rate <= 0 || !greeted_) return false;
    const double seconds = std::chrono::duration<double>(Clock::now() - born_).count();
    return static_cast<double>(numbered_) > server_.options_.most_rate * (seconds + 1);
  }

  void take(const Record& record) {
    switch (record.type) {
      case records::hello_record:
        return hello(wire::read_hello(what_, record));
      case records::header_record:
        return views(records::read_header(what_, record));
      case records::view_record: {
        View view = records::read_view(what_, record, expected(), true);
        check_pixels(*view.pixels);
        return event(std::move(view));
      }
      case records::saccade_record:
        expected();
        return event(records::read_saccade(what_, record));
      case records::end_record:
        expected();
        said_end_ = true;
        closing_ = "";
        return;
      case records::name_record:
        return;  // of a recording of several streams: one connection is one stream
      default:
        records::refuse(what_, record,
                        fmt::format("got record type {}, expected 7 (hello), 4 (views), then 1 (view), 2 (saccade), 5 "
                                    "(the end)",
                                    record.type));
    }
  }

  /// Nothing of one peer may make the learner's numbers overflow.
  void check_pixels(const Pixels& pixels) const {
    for (const float value : pixels)
      if (!(std::abs(value) <= largest_value))
        throw InputError(fmt::format("{}: got a view with the value {}, expected at most {} either way", what_, value,
                                     largest_value));
  }

  const ViewFileHeader& expected() const {
    if (!sent_)
      throw InputError(
          fmt::format("{}: got an event, expected a record of type 4 first, which says what views come", what_));
    return *sent_;
  }

  void hello(const wire::Hello& hello) {
    if (greeted_) throw InputError(fmt::format("{}: got a second greeting", what_));
    if (server_.options_.token && !server_.options_.token->is(hello.token))
      throw InputError(fmt::format("{}: {}", what_,
                                   hello.token.empty() ? "a token is needed (--token-file)" : "this is not the token"));
    greet(hello.stream.empty() ? std::string(wire::default_stream) : hello.stream);
  }

  void greet(const std::string& name) {
    if (!is_name(name))
      throw InputError(fmt::format("{}: got a stream name that is none, expected 1 to 64 of a-z A-Z 0-9 - _ .", what_));
    for (const auto& [id, other] : server_.sessions_)
      if (other->has_stream() && other->stream_name() == name) {
        for_now_ = true;  // of a sender that comes back, the lost connection may not have been noticed yet
        throw InputError(fmt::format("{}: stream \"{}\" is already being sent over another connection", what_, name));
      }
    stream_ = server_.log_.stream(name);
    if (!stream_)
      throw InputError(fmt::format("{}: there are {} streams already, as many as stream.streams allows", what_,
                                   server_.header_.streams));
    name_ = name;
    greeted_ = true;
    const RecordedEvents::Place& at = server_.log_.events().place(*stream_);
    out_.welcome({at.events, *stream_, at.time, at.fixation.value_or(0), at.index, at.looking});
    server_.say(fmt::format("{}: stream \"{}\", {} events of it so far", what_, name, at.events));
  }

  void views(const ViewFileHeader& header) {
    if (sent_) throw InputError(fmt::format("{}: got two records of type 4, expected one", what_));
    if (!greeted_) {
      if (server_.options_.token) throw InputError(fmt::format("{}: a token is needed (--token-file)", what_));
      greet(std::string(wire::default_stream));
    }
    const ViewFileHeader& own = server_.header_;
    if (header.height != own.height || header.width != own.width || header.channels != own.channels)
      throw InputError(fmt::format("{}: its views are {}x{}x{}, expected {}x{}x{}", what_, header.height, header.width,
                                   header.channels, own.height, own.width, own.channels));
    if (header.content != ViewFileHeader::Content::pixels)
      throw InputError(fmt::format("{}: its views are recipes, expected pixels (saccade send renders them)", what_));
    sent_ = header;
  }

  void event(Event event) {
    if (server_.full_of_views()) {
      closing_ = fmt::format("the run has its {} views", server_.options_.most_views);
      refusal_ = true;
      return;
    }
    const std::uint64_t number = numbered_++;
    if (server_.options_.drop && drops(event)) {
      server_.count([](auto& c) { ++c.dropped; });
      server_.tell_behind();
      out_.answer({number, true, false, {}});
      return;
    }
    server_.log_.record(event, *stream_);
    ++unanswered_;
    accepted_bytes_ += bytes_of(event);
    accepted_.push_back({std::move(event), id_, number});
  }

  /// A view for which there is no room, and a saccade from what was never seen.
  bool drops(const Event& event) const {
    if (const auto* saccade = std::get_if<Saccade>(&event)) {
      const RecordedEvents::Place& at = server_.log_.events().place(*stream_);
      return !at.looking || at.fixation != saccade->fixation;
    }
    return !server_.has_room(accepted_.size(), accepted_bytes_);
  }

  /// Hands on what was accepted, after it is in the system's hands.
  void publish() {
    if (accepted_.empty()) return;
    server_.log_.flush();
    server_.count([&](auto& c) { c.events += accepted_.size(); });
    for (Arrival& arrival : accepted_) server_.queue_.push(std::move(arrival));
    accepted_.clear();
    accepted_bytes_ = 0;
  }

  void write() {
    if (writing_ || closed_ || out_.size() == 0) return;
    sending_ = out_.take();
    unsent_ = sending_.size();
    writing_ = true;
    wrote_ = Clock::now();
    write_some(0);
  }

  /// By pieces, so that a peer that takes some counts as reading.
  void write_some(std::size_t from) {
    socket_.async_write_some(asio::buffer(sending_.data() + from, sending_.size() - from),
                             [self = shared_from_this(), from](Error error, std::size_t size) {
                               if (self->closed_) return;
                               if (error) return self->gone();
                               self->wrote_ = Clock::now();
                               self->unsent_ -= size;
                               if (self->unsent_ > 0) return self->write_some(from + size);
                               self->writing_ = false;
                               self->flush();
                             });
  }

  void refuse(const std::string& why) {
    server_.count([](auto& c) { ++c.refused; });
    server_.say(why);
    closing_ = why;
    refusal_ = true;
    maybe_end();
  }

  /// Ends when all that was accepted has been answered.
  void maybe_end() {
    if (!closing_ || closed_ || unanswered_ > 0) return;
    if (std::exchange(refusal_, false)) out_.refusal(*closing_, for_now_);
    write();
    if (writing_ || ended_) return;
    ended_ = true;
    ended_at_ = Clock::now();
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    read();  // closing with bytes unread would take the last answers from a peer that still sends
  }

  void drain(std::size_t size) {
    drained_ += size;
    if (drained_ > (std::size_t{1} << 20)) return close();
    read();
  }

  Implementation& server_;
  const std::uint64_t id_;
  tcp::socket socket_;
  asio::steady_timer pause_;
  const std::string what_;
  FrameParser parser_;
  wire::Writer out_;
  frame::Bytes sending_;
  std::size_t unsent_ = 0;
  std::array<std::uint8_t, chunk_bytes> chunk_;
  std::optional<std::uint32_t> stream_;
  std::string name_;
  std::optional<ViewFileHeader> sent_;
  std::vector<Arrival> accepted_;  ///< recorded, not yet flushed
  std::size_t accepted_bytes_ = 0;
  std::uint64_t numbered_ = 0, unanswered_ = 0;
  std::optional<std::string> closing_;  ///< why it will end
  bool refusal_ = false;                ///< and whether that is told
  bool for_now_ = false;                ///< a sender may come back
  bool greeted_ = false, said_end_ = false, reading_ = false, writing_ = false, closed_ = false, ended_ = false;
  bool waiting_for_room_ = false, waiting_for_reader_ = false;
  Clock::time_point born_ = Clock::now(), listening_ = born_, wrote_ = born_, ended_at_{};
  std::size_t drained_ = 0;
};

void EventServer::Implementation::run() {
  try {
    context_.run();
  } catch (...) {
    queue_.fail(std::current_exception());
  }
}

void EventServer::Implementation::accept() {
  acceptor_.async_accept([this](Error error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (!error && static_cast<int>(sessions_.size()) >= options_.connections) {
      count([](auto& c) { ++c.crowded; });
      say(fmt::format("a connection was turned away: {} are open", options_.connections));
    } else if (!error) {
      count([](auto& c) { ++c.connections; });
      const auto session = std::make_shared<Session>(*this, ++last_session_, std::move(socket));
      sessions_[last_session_] = session;
      session->begin();
    }
    if (error) {  // no more files may be opened, say
      const auto later = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(100));
      return later->async_wait([this, later](Error) { accept(); });
    }
    accept();
  });
}

void EventServer::Implementation::each_second() {
  const Clock::time_point now = Clock::now();
  const auto sessions = sessions_;
  for (const auto& [id, session] : sessions) session->check(now);
  if (queue_.size() < options_.waiting / 2) behind_ = false;
  if (deadline_ && (sessions_.empty() || now > *deadline_)) return context_.stop();
  second_.expires_after(deadline_ ? std::chrono::milliseconds(20) : std::chrono::milliseconds(250));
  second_.async_wait([this](Error) { each_second(); });
}

void EventServer::Implementation::sync_later() {
  syncing_.expires_after(options_.sync);
  syncing_.async_wait([this](Error) {
    try {
      log_.sync();
    } catch (...) {
      return queue_.fail(std::current_exception());
    }
    sync_later();
  });
}

void EventServer::Implementation::wake() {
  // From the one behind the last that was the first, so that no sender is always served first.
  std::vector<std::shared_ptr<Session>> turn;
  for (auto at = sessions_.upper_bound(first_woken_); at != sessions_.end(); ++at) turn.push_back(at->second);
  for (auto at = sessions_.begin(); at != sessions_.upper_bound(first_woken_); ++at) turn.push_back(at->second);
  const auto next = sessions_.upper_bound(first_woken_);
  first_woken_ = next == sessions_.end() ? 0 : next->first;
  for (const auto& session : turn) session->go_on();
}

void EventServer::Implementation::deliver() {
  std::vector<std::pair<std::uint64_t, wire::Answer>> answers;
  {
    const std::lock_guard lock(answers_mutex_);
    answers.swap(answers_);
  }
  std::vector<std::shared_ptr<Session>> told;
  for (const auto& [id, answer] : answers) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) continue;
    found->second->answer(answer);
    if (told.empty() || told.back() != found->second) told.push_back(found->second);
  }
  for (const auto& session : told) session->flush();
}

void EventServer::Implementation::refuse_all(const std::string& why) {
  Error ignored;
  acceptor_.close(ignored);
  const auto sessions = sessions_;
  for (const auto& [id, session] : sessions) session->stop(why);
}

void EventServer::Implementation::end() {
  refuse_all("the server stops");
  deadline_ = Clock::now() + std::chrono::seconds(2);
  second_.cancel();
}

EventServer::EventServer(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLog& log,
                         std::function<void(const std::string&)> say)
    : implementation_(std::make_unique<Implementation>(options, header, log, std::move(say))) {}
EventServer::~EventServer() = default;
void EventServer::check_address(const EventServerOptions& options) {
  asio::io_context context;
  tcp::acceptor acceptor(context);
  listen(acceptor, options);
}
std::uint16_t EventServer::port() const { return implementation_->port(); }
std::optional<Arrival> EventServer::next(std::chrono::milliseconds wait) { return implementation_->next(wait); }
void EventServer::answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) {
  implementation_->answer(arrival, updated, std::move(updates));
}
void EventServer::stop() { implementation_->stop(); }
std::size_t EventServer::waiting() const { return implementation_->waiting(); }
EventServerCounts EventServer::counts() const { return implementation_->counts(); }

}  // namespace saccade
