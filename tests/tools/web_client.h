#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <string>

namespace saccade {

/// A browser's part of HTTP and WebSockets, without its manners.
namespace web {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;

inline tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

/// A connection that says and hears bytes.
class Bytes {
 public:
  explicit Bytes(std::uint16_t port) : socket_(context_) { socket_.connect(loopback(port)); }
  /// False when the other end is gone.
  bool say(const std::string& bytes) {
    boost::system::error_code error;
    asio::write(socket_, asio::buffer(bytes), error);
    return !error;
  }
  /// All up to the end.
  std::string hear() {
    std::string text;
    boost::system::error_code error;
    asio::read(socket_, asio::dynamic_buffer(text), error);
    return text;
  }
  tcp::socket& socket() { return socket_; }

 private:
  asio::io_context context_;
  tcp::socket socket_;
};

/// The answer to a request as it is given here, head and body.
inline std::string ask(std::uint16_t port, const std::string& request) {
  Bytes bytes(port);
  bytes.say(request);
  return bytes.hear();
}

inline std::string get(std::uint16_t port, const std::string& path, const std::string& more = {}) {
  return ask(port, "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n" + more + "\r\n");
}

/// A WebSocket. Throws boost::system::system_error when it is refused or the other end closes.
class Socket {
 public:
  explicit Socket(std::uint16_t port, const std::string& path = "/live", const std::string& host = {},
                  const std::string& origin = {})
      : socket_(context_) {
    socket_.next_layer().connect(loopback(port));
    const std::string named = host.empty() ? "127.0.0.1:" + std::to_string(port) : host;
    socket_.set_option(beast::websocket::stream_base::decorator([&](beast::websocket::request_type& request) {
      request.set(beast::http::field::origin, origin.empty() ? "http://" + named : origin);
    }));
    socket_.handshake(named, path);
    socket_.read_message_max(64 << 20);
  }

  void say(const std::string& text) { socket_.write(asio::buffer(text)); }
  std::string hear() {
    beast::flat_buffer buffer;
    socket_.read(buffer);
    return beast::buffers_to_string(buffer.data());
  }
  /// Hears up to the end; what the other end gave as its reason.
  std::string end() {
    try {
      while (true) hear();
    } catch (const boost::system::system_error& error) {
      if (error.code() != beast::websocket::error::closed) return std::string("cut: ") + error.what();
    }
    const auto& reason = socket_.reason();
    return std::to_string(static_cast<unsigned>(reason.code)) + " " + std::string(reason.reason.c_str());
  }
  tcp::socket& below() { return socket_.next_layer(); }
  auto& stream() { return socket_; }

 private:
  asio::io_context context_;
  beast::websocket::stream<tcp::socket> socket_;
};

}  // namespace web
}  // namespace saccade
