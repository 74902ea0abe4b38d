#include "streams/network/event_server.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "streams/network/event_session.h"
#include "streams/network/listen.h"
#include "streams/network/server_desk.h"

namespace saccade {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t most_crowd = 64;

class EventServer::Implementation {
 public:
  Implementation(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLogs& logs,
                 std::function<void(const std::string&)> say)
      : logs_(logs),
        desk_{.options = options,
              .header = header,
              .streams = StreamRegister(logs, header.streams),
              .lines = FewLines(std::move(say))},
        acceptor_(context_),
        second_(context_),
        syncing_(context_) {
    listen(acceptor_, "--listen", options.host, options.port);
    port_ = acceptor_.local_endpoint().port();
    accept();
    each_second();
    sync_later();
    thread_ = std::thread([this] { run(); });
  }

  ~Implementation() {
    asio::post(context_, [this] { end(); });
    thread_.join();
    sessions_.clear(), crowd_.clear();  // before the context that their sockets belong to
  }

  std::uint16_t port() const { return port_; }
  std::size_t waiting() const { return desk_.queue.size(); }
  const ServerCounter& counter() const { return desk_.counter; }

  std::optional<Arrival> next(std::chrono::milliseconds wait) {
    std::optional<Arrival> arrival = desk_.queue.pop(wait);
    if (arrival && desk_.queue.calls()) asio::post(context_, [this] { wake(); });
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

  void close(const ArrivalLog& log, const std::string& why) {
    on_server([this, &log, why] {
      desk_.closed[&log] = why;
      for (const auto& [id, session] : Sessions(sessions_))
        if (session->log() == &log) session->stop(why);
    });
  }

  void stop() {
    on_server([this] { stop_all("the server stops; this stream goes on where it is when the server is there again"); });
  }

 private:
  using Sessions = std::map<std::uint64_t, std::shared_ptr<EventSession>>;

  /// Does it on the server's thread, and waits for that. One that a fault has ended does not come: next() throws it.
  void on_server(std::function<void()> act) {
    const auto done = std::make_shared<std::promise<void>>();
    asio::post(context_, [act = std::move(act), done] {
      act();
      done->set_value();
    });
    done->get_future().wait_for(std::chrono::seconds(5));
  }

  void run() {
    try {
      context_.run();
    } catch (...) {
      desk_.queue.fail(std::current_exception());
    }
  }

  void accept() {
    acceptor_.async_accept([this](Error error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {  // no more files may be opened, say
        const auto later = std::make_shared<asio::steady_timer>(context_, std::chrono::milliseconds(100));
        return later->async_wait([this, later](Error) { accept(); });
      }
      if (static_cast<int>(sessions_.size()) < desk_.options.connections)
        let_in(std::move(socket));
      else
        turn_away(std::move(socket));
      accept();
    });
  }

  void let_in(tcp::socket&& socket) {
    desk_.counter.add(&EventServerCounts::connections);
    add(sessions_, std::move(socket))->begin();
  }

  /// They are told why, but for those that come while many are being told.
  void turn_away(tcp::socket&& socket) {
    desk_.counter.add(&EventServerCounts::crowded);
    const std::string why =
        fmt::format("{} connections are open, as many as --connections allows", desk_.options.connections);
    desk_.lines.say("a connection was turned away: " + why);
    if (crowd_.size() < most_crowd) add(crowd_, std::move(socket))->stop(why);
  }

  std::shared_ptr<EventSession> add(Sessions& among, tcp::socket&& socket) {
    const auto forget = [&among](std::uint64_t id) { among.erase(id); };
    const auto session = std::make_shared<EventSession>(desk_, ++last_session_, std::move(socket), forget);
    return among[last_session_] = session;
  }

  void each_second() {
    const Clock::time_point now = Clock::now();
    for (const Sessions& all : {sessions_, crowd_})
      for (const auto& [id, session] : all) session->check(now);
    desk_.lines.look();
    if (desk_.queue.size() < desk_.options.waiting / 2) desk_.behind = false;
    if (deadline_ && ((sessions_.empty() && crowd_.empty()) || now > *deadline_)) return context_.stop();
    second_.expires_after(deadline_ ? std::chrono::milliseconds(20) : std::chrono::milliseconds(250));
    second_.async_wait([this](Error) { each_second(); });
  }

  void sync_later() {
    syncing_.expires_after(desk_.options.sync);
    syncing_.async_wait([this](Error) {
      try {
        logs_.sync();
      } catch (...) {
        return desk_.queue.fail(std::current_exception());
      }
      sync_later();
    });
  }

  /// From the one behind the last that was the first, so that no sender is always served first.
  void wake() {
    const auto next = sessions_.upper_bound(first_woken_);
    std::vector<std::shared_ptr<EventSession>> turn;
    for (auto at = next; at != sessions_.end(); ++at) turn.push_back(at->second);
    for (auto at = sessions_.begin(); at != next; ++at) turn.push_back(at->second);
    first_woken_ = next == sessions_.end() ? 0 : next->first;
    for (const auto& session : turn) session->go_on();
  }

  void deliver() {
    std::vector<std::pair<std::uint64_t, wire::Answer>> answers;
    {
      const std::lock_guard lock(answers_mutex_);
      answers.swap(answers_);
    }
    std::vector<std::shared_ptr<EventSession>> told;
    for (const auto& [id, answer] : answers) {
      const auto found = sessions_.find(id);
      if (found == sessions_.end()) continue;
      found->second->answer(answer);
      if (told.empty() || told.back() != found->second) told.push_back(found->second);
    }
    for (const auto& session : told) session->flush();
  }

  void stop_all(const std::string& why) {
    Error ignored;
    acceptor_.close(ignored);
    for (const auto& [id, session] : Sessions(sessions_)) session->stop(why);
  }

  void end() {
    stop_all("the server stops");
    deadline_ = Clock::now() + std::chrono::seconds(2);
    second_.cancel();
  }

  ArrivalLogs& logs_;
  ServerDesk desk_;  // before the context: sessions that die with that leave it
  std::mutex answers_mutex_;
  std::vector<std::pair<std::uint64_t, wire::Answer>> answers_;
  Sessions sessions_, crowd_;  ///< by their number; the latter have been turned away
  std::uint64_t last_session_ = 0, first_woken_ = 0;
  std::optional<Clock::time_point> deadline_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer second_, syncing_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

EventServer::EventServer(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLogs& logs,
                         std::function<void(const std::string&)> say)
    : implementation_(std::make_unique<Implementation>(options, header, logs, std::move(say))) {}
EventServer::~EventServer() = default;
void EventServer::check_address(const EventServerOptions& options) {
  asio::io_context context;
  tcp::acceptor acceptor(context);
  listen(acceptor, "--listen", options.host, options.port);
}
std::uint16_t EventServer::port() const { return implementation_->port(); }
std::optional<Arrival> EventServer::next(std::chrono::milliseconds wait) { return implementation_->next(wait); }
void EventServer::answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates) {
  implementation_->answer(arrival, updated, std::move(updates));
}
void EventServer::close(const ArrivalLog& log, const std::string& why) { implementation_->close(log, why); }
void EventServer::stop() { implementation_->stop(); }
std::size_t EventServer::waiting() const { return implementation_->waiting(); }
EventServerCounts EventServer::counts() const { return implementation_->counter().total(); }
EventServerCounts EventServer::counts(const ArrivalLog& log) const { return implementation_->counter().of(log); }

}  // namespace saccade
