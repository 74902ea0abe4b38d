#include "tools/live/web_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "engine/error.h"
#include "tools/temporary_folder.h"
#include "tools/web_client.h"

namespace saccade {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A feed of one text that changes with every look, of `size` characters.
struct Feed final : LiveFeed {
  std::vector<Text> texts() override {
    ++looks;
    const std::uint64_t version = ++number;
    return {{version, std::make_shared<const std::string>(std::to_string(version) + std::string(size, '.'))}};
  }
  bool command(std::string_view text) override {
    if (text != "go") return false;
    ++commands;
    return true;
  }
  std::atomic<std::uint64_t> number{0};
  std::atomic<int> looks{0}, commands{0};
  std::atomic<std::size_t> size{0};
};

WebServerOptions quick() {
  WebServerOptions options;
  options.address.port = 0;
  options.request_time = 300ms;
  options.silence = 400ms;
  options.tick = 5ms;
  return options;
}

struct Served {
  explicit Served(const WebServerOptions& options = quick())
      : server(options, {{"/", "text/html; charset=utf-8", "<p>page"}, {"/page.js", "text/javascript", "1"}}, feed) {}
  std::uint16_t port() const { return server.address().port; }
  Feed feed;
  WebServer server;
};

std::string status(const std::string& answer) { return answer.substr(0, answer.find('\r')); }

template <class Condition>
bool soon(Condition condition) {
  for (const auto end = Clock::now() + 20s; Clock::now() < end; std::this_thread::sleep_for(2ms))
    if (condition()) return true;
  return false;
}

}  // namespace

TEST_CASE("web server: its files with headers that let a browser do nothing else, and no other path") {
  const Served served;
  const std::string page = web::get(served.port(), "/");
  CHECK(status(page) == "HTTP/1.1 200 OK");
  CHECK(page.ends_with("\r\n\r\n<p>page"));
  for (const char* header :
       {"Content-Type: text/html; charset=utf-8\r\n", "X-Content-Type-Options: nosniff\r\n",
        "Cache-Control: no-store\r\n",
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';", "Connection: close\r\n",
        "frame-ancestors 'none'", "Cross-Origin-Resource-Policy: same-origin\r\n", "Content-Length: 7\r\n"})
    CHECK_MESSAGE(page.find(header) != std::string::npos, header);
  CHECK(page.find("unsafe") == std::string::npos);
  CHECK(web::get(served.port(), "/page.js").ends_with("\r\n\r\n1"));

  for (const char* path : {"/index.html", "//", "/../page.js", "/%2e%2e/etc/passwd", "/page.js?x", "/page.js/", "*",
                           "http://127.0.0.1/page.js", "/favicon.ico", "/LIVE"})
    CHECK_MESSAGE(status(web::get(served.port(), path)) == "HTTP/1.1 404 Not Found", path);
  CHECK(status(web::get(served.port(), "/live")) == "HTTP/1.1 426 Upgrade Required");

  const std::string host = "Host: 127.0.0.1\r\n";
  const std::string head = web::ask(served.port(), "HEAD / HTTP/1.1\r\n" + host + "\r\n");
  CHECK(status(head) == "HTTP/1.1 200 OK");
  CHECK(head.ends_with("\r\n\r\n"));
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE"})
    CHECK_MESSAGE(status(web::ask(served.port(), method + (" / HTTP/1.1\r\n" + host + "\r\n"))) ==
                      "HTTP/1.1 405 Method Not Allowed",
                  method);
}

TEST_CASE("web server: what is no request of its own page is refused, and the next one served") {
  const Served served;
  const std::string bad = "HTTP/1.1 400 Bad Request", forbidden = "HTTP/1.1 403 Forbidden";
  const auto ask = [&](const std::string& request) { return status(web::ask(served.port(), request)); };
  CHECK(ask("\r\n\r\nnonsense\r\n\r\n") == bad);
  CHECK(ask("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n") == bad);
  CHECK(ask("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello") == bad);
  CHECK(ask("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n") == bad);
  CHECK(ask("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") == bad);
  CHECK(ask(std::string("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 15)) == bad);  // TLS
  CHECK(ask("GET /" + std::string(20000, 'x') + " HTTP/1.1\r\nHost: localhost\r\n\r\n") ==
        "HTTP/1.1 431 Request Header Fields Too Large");
  CHECK(ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(40000, 'x') + "\r\n\r\n") ==
        "HTTP/1.1 431 Request Header Fields Too Large");
  // A name that someone's DNS has turned to this machine.
  for (const char* host : {"evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost:x", "192.0.2.1"})
    CHECK_MESSAGE(ask(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n\r\n") == forbidden, host);
  CHECK(ask("GET / HTTP/1.1\r\n\r\n") == forbidden);
  CHECK(ask("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n") == forbidden);
  CHECK(ask("GET / HTTP/1.1\r\nHost: localhost:1234\r\n\r\n") == "HTTP/1.1 200 OK");  // a tunnel
}

TEST_CASE("web server: pages of another origin get no WebSocket") {
  const Served served;
  const std::string own = "127.0.0.1:" + std::to_string(served.port());
  for (const std::string& origin :
       {std::string("http://evil.example"), "https://" + own, "http://" + own + "0", std::string("null"),
        std::string("http://127.0.0.1"), "http://localhost:" + std::to_string(served.port()), "http://" + own + "/"})
    CHECK_THROWS_AS_MESSAGE(web::Socket(served.port(), "/live", own, origin), boost::system::system_error, origin);
  CHECK_THROWS_AS(web::Socket(served.port(), "/live", "evil.example", "http://evil.example"),
                  boost::system::system_error);
  CHECK_THROWS_AS(web::Socket(served.port(), "/"), boost::system::system_error);
  const std::string upgrade =
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
      "AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  CHECK(status(web::get(served.port(), "/live", upgrade)) == "HTTP/1.1 403 Forbidden");  // no origin at all
  CHECK(served.feed.commands == 0);
  CHECK_NOTHROW(web::Socket(served.port()));
}

TEST_CASE("web server: a WebSocket is told the newest text and gives commands; anything else cuts it") {
  const Served served;
  web::Socket socket(served.port());
  const int first = std::stoi(socket.hear());
  CHECK(std::stoi(socket.hear()) > first);
  socket.say("go");
  CHECK(soon([&] { return served.feed.commands == 1; }));

  const auto end_of = [&](auto&& misbehave) {
    web::Socket other(served.port());
    misbehave(other);
    return other.end();
  };
  for (const char* text : {"Go", "go ", " go", "", "stop"})
    CHECK(end_of([&](auto& other) { other.say(text); }) == "1008 unknown command");
  CHECK(end_of([](auto& other) { other.stream().binary(true), other.say("go"); }) == "1003 expected text");
  CHECK(end_of([](auto& other) { other.say(std::string(513, 'x')); }).starts_with("1009"));
  CHECK(end_of([](auto& other) {
          for (int i = 0; i < 60; ++i) other.say("go");
        }) == "1008 too many commands");
  // No frames at all: reserved bits, no mask, a length of 2^63.
  for (const std::string& bytes : {std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8), std::string("\x81\x02go", 4),
                                   std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    web::Socket other(served.port());
    web::asio::write(other.below(), web::asio::buffer(bytes));
    CHECK(other.end() != "1000 ");
  }
  // Invalid UTF-8.
  CHECK(end_of([](auto& other) { other.say("\xc3\x28"); }).starts_with("1007"));
  CHECK(served.feed.commands > 1);
  socket.say("go");
  CHECK_NOTHROW(socket.hear());  // the first is untouched
}

TEST_CASE("web server: a token comes first") {
  const TemporaryFolder folder;
  write_secret(folder.path / "token", "0123456789abcdef\n");
  WebServerOptions options = quick();
  options.token = Token::read(folder.path / "token");
  const Served served(options);
  web::Socket good(served.port());
  good.say("token 0123456789abcdef");
  CHECK_NOTHROW(good.hear());
  good.say("go");
  CHECK(soon([&] { return served.feed.commands == 1; }));
  for (const char* text : {"go", "token 0123456789abcdeg", "token ", "token 0123456789abcdef ", "0123456789abcdef"}) {
    web::Socket other(served.port());
    other.say(text);
    CHECK(other.end() == "1008 this is not the token");
  }
  CHECK(web::Socket(served.port()).end() == "1008 a token is needed");  // and was told nothing
  CHECK(served.feed.commands == 1);
}

TEST_CASE("web server: who is slow or silent is cut, and nobody waits for it") {
  const Served served;
  const auto begin = Clock::now();
  web::Bytes dripping(served.port()), silent(served.port());
  std::size_t dripped = 0;
  for (const char c : "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(1000, 'x')) {
    if (!dripping.say({c})) break;
    ++dripped;
    std::this_thread::sleep_for(10ms);
    CHECK(status(web::get(served.port(), "/")) == "HTTP/1.1 200 OK");
  }
  CHECK(dripped < 500);
  CHECK(silent.hear().empty());
  CHECK(Clock::now() - begin < 10s);

  // One that never reads: its buffers fill, others go on, and it is cut, since it does not answer pings.
  Served large;
  large.feed.size = 1 << 20;
  web::Socket never(large.port()), other(large.port());
  const auto start = Clock::now();
  for (int heard = 0; heard < 10 || Clock::now() - start < 1s; ++heard) other.hear();
  std::this_thread::sleep_for(200ms);
  CHECK(never.end().starts_with("cut"));
}

TEST_CASE("web server: so many connections, and no more") {
  WebServerOptions options = quick();
  options.connections = 4, options.watchers = 2, options.request_time = 5s;
  const Served served(options);
  {
    web::Socket one(served.port()), two(served.port());
    CHECK_THROWS_AS(web::Socket{served.port()}, boost::system::system_error);
    CHECK(status(web::get(served.port(), "/")) == "HTTP/1.1 200 OK");
    web::Bytes three(served.port()), four(served.port());
    std::this_thread::sleep_for(50ms);
    CHECK(status(web::Bytes(served.port()).hear()) == "HTTP/1.1 503 Service Unavailable");
    CHECK_NOTHROW(one.hear());
  }
  // All places are free again.
  CHECK(soon([&] { return status(web::get(served.port(), "/")) == "HTTP/1.1 200 OK"; }));
  for (int i = 0; i < 300; ++i) web::Bytes gone(served.port());
  CHECK(soon([&] { return status(web::get(served.port(), "/")) == "HTTP/1.1 200 OK"; }));
}

TEST_CASE("web server: says goodbye with the last text, and waits for nobody long") {
  std::string reason, last;
  std::thread watcher;
  std::uint64_t told = 0;
  {
    Served served;
    web::Socket never(served.port());
    auto socket = std::make_shared<web::Socket>(served.port());
    watcher = std::thread([socket, &reason, &last] {
      try {
        while (true) last = socket->hear();
      } catch (const boost::system::system_error&) {
        reason = socket->stream().reason().reason.c_str();
      }
    });
    CHECK(soon([&] { return served.feed.number > 3; }));
    told = served.feed.number;
  }
  watcher.join();
  CHECK(reason == "the run has ended");
  CHECK(std::stoull(last) >= told);
}

TEST_CASE("web server: an address that is taken or not ours is refused") {
  const Served served;
  Feed feed;
  WebServerOptions options = quick();
  options.address.port = served.port();
  CHECK_THROWS_AS(WebServer(options, {}, feed), InputError);
  options.address = {"192.0.2.1", 0};
  CHECK_THROWS_AS(WebServer(options, {}, feed), InputError);
}

}  // namespace saccade
