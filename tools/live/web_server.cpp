#include "tools/live/web_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdio>
#include <thread>

#include "streams/network/listen.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t head_limit = 16 << 10, message_limit = 512, unread_limit = 64 << 10;

std::string_view view(boost::string_view text) { return {text.data(), text.size()}; }

/// One of so many that may be there at a time.
class Seat {
 public:
  explicit Seat(int& taken) : taken_(taken) { ++taken_; }
  ~Seat() { --taken_; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  int& taken_;
};

/// What the connections share; used by the server's thread alone.
struct Shared {
  const WebServerOptions options;
  const std::vector<WebFile> files;
  LiveFeed& feed;
  int connections = 0, watchers = 0;
  std::vector<LiveFeed::Text> texts{};  ///< the latest
  std::vector<std::weak_ptr<class Watcher>> watching{};
};

/// One WebSocket.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(Shared& shared, beast::tcp_stream&& stream, std::shared_ptr<Seat> connection)
      : shared_(shared),
        connection_(std::move(connection)),
        seat_(shared.watchers),
        socket_(std::move(stream)),
        admitted_(!shared.options.token) {}

  void accept(const http::request<http::empty_body>& request) {
    beast::get_lowest_layer(socket_).expires_never();  // from here on by the WebSocket's own clock
    socket_.set_option(
        websocket::stream_base::timeout{shared_.options.request_time, shared_.options.silence, /*pings*/ true});
    socket_.read_message_max(message_limit);
    socket_.text(true);
    socket_.async_accept(request, [self = shared_from_this()](Error error) {
      if (error) return;
      self->open_ = true;
      self->read();
      self->show();
    });
  }

  /// The newest of what it has not been sent, when it has taken what it was sent before.
  void show() {
    if (!open_ || writing_ || !admitted_) return;
    sent_.resize(shared_.texts.size(), none);
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      const LiveFeed::Text& news = shared_.texts[i];
      if (!news.text || sent_[i] == news.version) continue;
      sent_[i] = news.version;
      writing_ = true;
      socket_.async_write(asio::buffer(*news.text),
                          [self = shared_from_this(), text = news.text](Error error, std::size_t) {
                            self->writing_ = false;
                            if (error) return self->cut();
                            self->show();
                          });
      return;
    }
  }

  bool has_all() const { return open_ && !writing_ && admitted_; }
  bool open() const { return open_; }

  void close(websocket::close_code code, const char* why) {
    if (!std::exchange(open_, false)) return;
    socket_.async_close({code, why}, [self = shared_from_this()](Error) {});
  }

  /// A token that does not come.
  void check_admission() {
    if (open_ && !admitted_ && Clock::now() - born_ > shared_.options.request_time)
      close(websocket::close_code::policy_error, "a token is needed");
  }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  void read() {
    socket_.async_read(buffer_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return self->cut();
      const std::string message = beast::buffers_to_string(self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      self->heard(message);
      if (self->open_) self->read();
    });
  }

  void heard(std::string_view message) {
    constexpr std::string_view token = "token ";
    if (!socket_.got_text()) return close(websocket::close_code::unknown_data, "expected text");
    if (!admitted_) {
      if (!message.starts_with(token) || !shared_.options.token->is(message.substr(token.size())))
        return close(websocket::close_code::policy_error, "this is not the token");
      admitted_ = true;
      return show();
    }
    const Clock::time_point now = Clock::now();
    if (now - second_ > std::chrono::seconds(1)) second_ = now, commands_ = 0;
    if (++commands_ > shared_.options.commands_per_second)
      return close(websocket::close_code::policy_error, "too many commands");
    // A page that has kept its token tells it to a server that wants none, too.
    if (!shared_.feed.command(message) && !message.starts_with(token))
      close(websocket::close_code::policy_error, "unknown command");
  }

  void cut() {
    open_ = false;
    beast::get_lowest_layer(socket_).close();
  }

  Shared& shared_;
  std::shared_ptr<Seat> connection_;
  Seat seat_;
  websocket::stream<beast::tcp_stream> socket_;
  beast::flat_buffer buffer_{message_limit};
  bool open_ = false, writing_ = false, admitted_;
  std::vector<std::uint64_t> sent_;  ///< versions of texts
  const Clock::time_point born_ = Clock::now();
  Clock::time_point second_ = born_;  ///< in which commands are counted
  int commands_ = 0;
};

/// One connection up to its answer, or until it becomes a WebSocket.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, tcp::socket&& socket)
      : shared_(shared), seat_(std::make_shared<Seat>(shared.connections)), stream_(std::move(socket)) {}

  void read() {
    parser_.header_limit(head_limit);
    stream_.expires_after(shared_.options.request_time);  // for all of it, however slowly it drips
    http::async_read(stream_, buffer_, parser_,
                     [self = shared_from_this()](Error error, std::size_t) { self->answer(error); });
  }

  void refuse_crowd() { fail(http::status::service_unavailable, "too many connections"); }

 private:
  using Field = http::field;

  void answer(Error error) {
    if (error == http::error::header_limit)
      return fail(http::status::request_header_fields_too_large, "the request's head is longer than 16 kB");
    const bool unread = error && error.category() != make_error_code(http::error::bad_method).category();
    if (unread || error == http::error::end_of_stream) return stream_.close();  // gone, or too slow
    if (error) return fail(http::status::bad_request, "this is no request");
    serve(parser_.get());
  }

  void serve(const http::request<http::empty_body>& request) {
    const std::string_view host = view(request[Field::host]), target = view(request.target());
    if (request.count(Field::host) != 1 || !names_server(host, shared_.options.address.loopback()))
      return fail(http::status::forbidden, "the Host header names another server");
    if (target == "/live") return watch(request, "http://" + std::string(host));
    const auto file = std::find_if(shared_.files.begin(), shared_.files.end(),
                                   [&](const WebFile& known) { return known.path == target; });
    if (file == shared_.files.end()) return fail(http::status::not_found, "there is nothing here");
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      response_.set(Field::allow, "GET, HEAD");
      return fail(http::status::method_not_allowed, "expected GET or HEAD");
    }
    // 'self' does not mean WebSockets in every browser. The Host has been checked: it cannot end the list.
    response_.set("Content-Security-Policy",
                  fmt::format("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "
                              "'self' ws://{}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                              host));
    send(http::status::ok, file->type, file->bytes, request.method() == http::verb::head);
  }

  void watch(const http::request<http::empty_body>& request, const std::string& own_origin) {
    if (!websocket::is_upgrade(request)) return fail(http::status::upgrade_required, "this is for WebSockets");
    if (request.count(Field::origin) != 1 || view(request[Field::origin]) != own_origin)
      return fail(http::status::forbidden, "the Origin header names another page");
    if (shared_.watchers >= shared_.options.watchers)
      return fail(http::status::service_unavailable, "too many are watching");
    const auto watcher = std::make_shared<Watcher>(shared_, std::move(stream_), seat_);
    shared_.watching.push_back(watcher);
    watcher->accept(request);
  }

  void fail(http::status status, const std::string& why) {
    send(status, "text/plain; charset=utf-8", why + "\n", false);
  }

  void send(http::status status, const std::string& type, const std::string& body, bool head) {
    response_.result(status);
    response_.version(11);
    response_.keep_alive(false);
    response_.set(Field::content_type, type);
    response_.set(Field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("Referrer-Policy", "no-referrer");
    response_.set("Cross-Origin-Resource-Policy", "same-origin");
    response_.set("Cross-Origin-Opener-Policy", "same-origin");
    response_.content_length(body.size());
    if (!head) response_.body() = body;
    stream_.expires_after(shared_.options.request_time);
    serializer_.emplace(response_);
    http::async_write(stream_, *serializer_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return self->stream_.close();
      Error ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      self->drain();
    });
  }

  /// Closing with bytes unread would take the answer from a peer that still sends.
  void drain() {
    stream_.async_read_some(asio::buffer(unread_), [self = shared_from_this()](Error error, std::size_t size) {
      self->drained_ += size;
      if (error || self->drained_ > unread_limit) return self->stream_.close();
      self->drain();
    });
  }

  Shared& shared_;
  std::shared_ptr<Seat> seat_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{2 * head_limit};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  std::array<char, 1024> unread_;
  std::size_t drained_ = 0;
};

}  // namespace

class WebServer::Implementation {
 public:
  Implementation(const WebServerOptions& options, std::vector<WebFile> files, LiveFeed& feed)
      : shared_{options, std::move(files), feed},
        acceptor_(context_),
        accept_timer_(context_),
        tick_timer_(context_),
        address_(options.address) {
    listen(acceptor_, "--page", address_.host, address_.port);
    address_.port = acceptor_.local_endpoint().port();
    accept();
    tick();
    thread_ = std::thread([this] { run(); });
  }

  ~Implementation() {
    asio::post(context_, [this] {
      acceptor_.close();
      deadline_ = Clock::now() + std::chrono::seconds(1);
    });
    thread_.join();
  }

  const WebAddress& address() const { return address_; }

 private:
  /// A page that fails must not take the run with it.
  void run() {
    try {
      context_.run();
    } catch (const std::exception& error) {
      tell("warning: the page has stopped: {}", error.what());
    }
  }

  void accept() {
    acceptor_.async_accept([this](Error error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {  // no more files may be opened, say
        accept_timer_.expires_after(std::chrono::milliseconds(100));
        return accept_timer_.async_wait([this](Error) { accept(); });
      }
      const bool crowded = shared_.connections >= shared_.options.connections;
      if (shared_.connections < 2 * shared_.options.connections) {  // else it is closed without a word
        const auto connection = std::make_shared<Connection>(shared_, std::move(socket));
        crowded ? connection->refuse_crowd() : connection->read();
      }
      accept();
    });
  }

  void tick() {
    std::vector<std::shared_ptr<Watcher>> watchers;
    for (const auto& each : shared_.watching)
      if (auto watcher = each.lock()) watchers.push_back(std::move(watcher));
    shared_.watching.assign(watchers.begin(), watchers.end());
    if (!watchers.empty() && !looked_last_) shared_.texts = shared_.feed.texts();
    looked_last_ = deadline_.has_value();
    bool done = true;
    for (const auto& watcher : watchers) {
      watcher->check_admission();
      watcher->show();
      if (!deadline_) continue;
      if (watcher->has_all()) watcher->close(websocket::close_code::going_away, "the run has ended");
      done = false;  // until the peer has answered and it is gone
    }
    if (deadline_ && (done || Clock::now() > *deadline_)) return context_.stop();
    tick_timer_.expires_after(shared_.options.tick);
    tick_timer_.async_wait([this](Error) { tick(); });
  }

  Shared shared_;  // before the context: connections that die with that count themselves off here
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_, tick_timer_;
  WebAddress address_;                         ///< with the port that was found
  std::optional<Clock::time_point> deadline_;  ///< set when the server ends
  bool looked_last_ = false;                   ///< at the feed
  std::thread thread_;
};

WebServer::WebServer(const WebServerOptions& options, std::vector<WebFile> files, LiveFeed& feed)
    : implementation_(std::make_unique<Implementation>(options, std::move(files), feed)) {}
WebServer::~WebServer() = default;
WebAddress WebServer::address() const { return implementation_->address(); }

}  // namespace saccade
