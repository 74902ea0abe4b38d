#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <deque>
#include <istream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "streams/files.h"

/// A web server on loopback that can do what servers and networks do to a download.
namespace saccade::test {

struct Behaviour {
  int status = 200;
  std::string location = {};  ///< where a status of 3xx sends the client
  bool ranges = true;         ///< else a range is not heard
  bool announces = true;      ///< Content-Length
  std::size_t cut = ~0ull;    ///< the connection ends after so many bytes of the body
  bool silent = false;        ///< instead of ending there, the server says nothing more until the client goes
};

class ArchiveServer {
  using Tcp = boost::asio::ip::tcp;

 public:
  struct Request {
    std::string path, range;  ///< range: as in the header, empty without one
    bool operator==(const Request&) const = default;
  };

  ArchiveServer() : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}) {
    ::setenv("no_proxy", "127.0.0.1", 1);
    thread_ = std::thread([this] { serve(); });
  }
  ~ArchiveServer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    Tcp::socket wake(context_);
    boost::system::error_code ignored;
    wake.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }

  /// The address of the folder of all files, without a slash at its end.
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

  void put(const std::string& name, Bytes bytes) {
    const std::lock_guard lock(mutex_);
    files_["/" + name] = std::move(bytes);
  }
  /// What the next request meets; those after it meet what is queued behind it, and a good server when nothing is.
  void next(const Behaviour& behaviour) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(behaviour);
  }
  /// All since the last call.
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return std::exchange(requests_, {});
  }

 private:
  void serve() {
    while (true) {
      Tcp::socket socket(context_);
      acceptor_.accept(socket);
      try {
        if (!answer(socket)) return;
      } catch (const boost::system::system_error&) {
        // The client went.
      }
    }
  }

  bool answer(Tcp::socket& socket) {
    Behaviour behaviour;
    Bytes body;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return false;
    }
    const Request request = read(socket);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (!queue_.empty()) {
        behaviour = queue_.front();
        queue_.pop_front();
      }
      const auto file = files_.find(request.path);
      if (file == files_.end()) {
        behaviour.status = 404;
      } else {
        body = file->second;
      }
    }
    std::string head;
    std::size_t from = 0;
    if (behaviour.ranges && !request.range.empty() && behaviour.status == 200) {
      from = std::stoull(request.range.substr(6));  // "bytes=N-"
      behaviour.status = from < body.size() ? 206 : 416;
      head = "Content-Range: bytes " + std::to_string(from) + "-" + std::to_string(body.size() - 1) + "/" +
             std::to_string(body.size()) + "\r\n";
    }
    if (behaviour.status >= 300) body = Bytes(20, 'x'), from = 0;
    if (!behaviour.location.empty()) head += "Location: " + behaviour.location + "\r\n";
    if (behaviour.announces) head += "Content-Length: " + std::to_string(body.size() - from) + "\r\n";
    head = "HTTP/1.1 " + std::to_string(behaviour.status) + " So\r\nConnection: close\r\n" + head + "\r\n";
    boost::asio::write(socket, boost::asio::buffer(head));
    const std::size_t count = std::min(body.size() - from, behaviour.cut);
    boost::asio::write(socket, boost::asio::buffer(body.data() + from, count));
    if (behaviour.silent) {
      char byte;
      socket.read_some(boost::asio::buffer(&byte, 1));  // throws when the client goes
    }
    return true;
  }

  static Request read(Tcp::socket& socket) {
    boost::asio::streambuf buffer;
    boost::asio::read_until(socket, buffer, "\r\n\r\n");
    std::istream text(&buffer);
    std::string method;
    Request request;
    text >> method >> request.path;
    for (std::string line; std::getline(text, line) && line != "\r";)
      if (line.starts_with("Range: ")) request.range = line.substr(7, line.size() - 8);
    return request;
  }

  boost::asio::io_context context_;
  Tcp::acceptor acceptor_;
  std::mutex mutex_;
  std::map<std::string, Bytes> files_;
  std::deque<Behaviour> queue_;
  std::vector<Request> requests_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace saccade::test
