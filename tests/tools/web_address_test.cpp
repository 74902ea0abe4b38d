#include "tools/live/web_address.h"

#include <doctest/doctest.h>

#include <boost/asio/ip/host_name.hpp>

#include "engine/error.h"

namespace saccade {

TEST_CASE("web address: host and port, either or both") {
  const auto is = [](const char* text, const char* expected, bool loopback) {
    const WebAddress address = web_address(text);
    CHECK(address.text() == expected);
    CHECK(address.loopback() == loopback);
  };
  is("", "127.0.0.1:8765", true);
  is("0", "127.0.0.1:0", true);
  is("9000", "127.0.0.1:9000", true);
  is("localhost", "127.0.0.1:8765", true);
  is("localhost:1", "127.0.0.1:1", true);
  is("127.8.9.1:65535", "127.8.9.1:65535", true);
  is("0.0.0.0:80", "0.0.0.0:80", false);
  is("[::1]", "[::1]:8765", true);
  is("[::]:80", "[::]:80", false);
  is("192.168.1.7", "192.168.1.7:8765", false);
  for (const char* wrong :
       {"65536", "-1", "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:x", ":80", "exp.toml", "::1", "[::1",
        "[127.0.0.1]:80", "[::1]80", "127.0.0.1:80:80", "example.org:80", "http://127.0.0.1:80"})
    CHECK_THROWS_AS_MESSAGE(web_address(wrong), InputError, wrong);
}

TEST_CASE("web address: a Host header names the server by its address or its own name") {
  for (const bool loopback : {true, false}) {
    for (const char* own : {"127.0.0.1", "127.0.0.1:8765", "localhost", "localhost:9", "[::1]:80"})
      CHECK_MESSAGE(names_server(own, loopback), own);
    for (const char* other : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "127.0.0.1:",
                              "localhost:port", "[::1", "::1", "user@localhost", "localhost/", "127.0.0.1 ;x"})
      CHECK_FALSE_MESSAGE(names_server(other, loopback), other);
    CHECK(names_server("192.168.1.7:80", loopback) != loopback);
    CHECK(names_server(boost::asio::ip::host_name() + ":80", loopback) !=
          (loopback && boost::asio::ip::host_name() != "localhost"));
  }
}

}  // namespace saccade
