#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "streams/network/token.h"
#include "tools/live/live_feed.h"
#include "tools/live/web_address.h"

namespace saccade {

/// A file of the page: its path ("/page.js"), its type and its bytes.
struct WebFile {
  std::string path, type, bytes;
};

struct WebServerOptions {
  WebAddress address;
  std::optional<Token> token;
  int connections = 32;                           ///< open at a time, of any kind
  int watchers = 8;                               ///< of them WebSockets
  std::chrono::milliseconds request_time{5'000};  ///< for a request's head, an answer's bytes, the token
  std::chrono::milliseconds silence{20'000};      ///< a WebSocket that does not even answer pings is cut
  std::chrono::milliseconds tick{40};             ///< between two looks at the feed
  int commands_per_second = 50;                   ///< of a watcher; more is cut
};

/// Serves its few files over HTTP, and the feed at the WebSocket /live, on a thread of its own. GET and HEAD, one
/// request per connection, heads up to 16 kB, no bodies; other paths do not exist. A request whose Host names another
/// server (web_address.h), and a WebSocket whose Origin is not the page itself, are refused: pages of others, and names
/// that others' DNS turns here, cannot drive a run. With a token, a WebSocket's first message has to be "token T";
/// before that it is told nothing. Nobody is waited for: who reads slowly gets the newest texts when it has read the
/// old ones.
class WebServer {
 public:
  /// Listens when it returns. InputError when it cannot.
  WebServer(const WebServerOptions& options, std::vector<WebFile> files, LiveFeed& feed);
  /// Tells watchers the last texts and closes; waits at most a second for them.
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  /// With the port that it has.
  WebAddress address() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace saccade
