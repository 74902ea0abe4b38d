#pragma once
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <thread>

#include "engine/event_records.h"
#include "engine/view_records.h"
#include "streams/network/wire.h"

namespace saccade::test {

/// A server that does what a test tells it, a connection after the other, on a thread of its own.
class ScriptedServer {
 public:
  using tcp = boost::asio::ip::tcp;

  /// One connection, as the script sees it.
  class Peer {
   public:
    explicit Peer(tcp::socket&& socket) : socket_(std::move(socket)) {}

    /// The next record; nothing when the sender has gone.
    std::optional<Record> next() {
      for (;;) {
        if (auto record = parser_.next()) return record;
        if (!more()) return std::nullopt;
      }
    }
    void send() {
      const frame::Bytes out = writer.take();
      boost::system::error_code ignored;
      boost::asio::write(socket_, boost::asio::buffer(out), ignored);
    }
    wire::Writer writer{wire::answers_kind};
    std::size_t most = SIZE_MAX;  ///< bytes that it reads: behind them, the sender has gone

   private:
    bool more() {
      if (taken_ >= most) return false;
      boost::system::error_code error;
      const auto room = boost::asio::buffer(bytes_, std::min(most - taken_, bytes_.size()));
      const std::size_t size = socket_.read_some(room, error);
      taken_ += size;
      parser_.feed({bytes_.data(), size});
      return !error;
    }
    tcp::socket socket_;
    std::array<std::uint8_t, 4096> bytes_{};
    FrameParser parser_{"the sender", std::string(wire::events_kind), 1 << 20};
    std::size_t taken_ = 0;
  };
  /// Of the connection with this number, from 0. The connection is closed when it returns.
  using Script = std::function<void(Peer&, int)>;

  explicit ScriptedServer(Script script)
      : acceptor_(context_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)), script_(std::move(script)) {
    thread_ = std::thread([this] {
      for (;; ++connections_) {
        boost::system::error_code error;
        tcp::socket socket(context_);
        acceptor_.accept(socket, error);
        if (error || stopping_) return;
        Peer peer(std::move(socket));
        script_(peer, connections_);
      }
    });
  }
  ~ScriptedServer() {
    stopping_ = true;
    boost::system::error_code ignored;
    tcp::socket(context_).connect(acceptor_.local_endpoint(), ignored);  // wakes accept()
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  int connections() const { return connections_; }

 private:
  boost::asio::io_context context_;
  tcp::acceptor acceptor_;
  Script script_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

}  // namespace saccade::test
