#pragma once
#include <nlohmann/json.hpp>

#include "program/program.h"
#include "tools/web_client.h"

/// `saccade replay --page`, and what one finds at its address.
namespace saccade::program {

class WatchedRun {
 public:
  /// At any free port.
  explicit WatchedRun(const Arguments& arguments)
      : process_(arguments + Arguments{"--page=127.0.0.1:0"}, {},
                 {"/bin/sh", "-c", "exec \"$@\" 2>'" + err().string() + "'", "sh"}) {
    const std::string said = "saccade: watch it learn at http://127.0.0.1:";
    if (!eventually([&] { return contains(text_of(err()), said) && text_of(err()).ends_with("/\n"); }))
      throw std::runtime_error("no page: " + text_of(err()));
    const std::string text = text_of(err());
    port_ = static_cast<std::uint16_t>(std::stoi(text.substr(text.find(said) + said.size())));
  }

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }
  Process& process() { return process_; }
  std::string said() const { return text_of(err()); }

 private:
  fs::path err() const { return folder_.path / "err"; }

  TemporaryFolder folder_;
  Process process_;
  std::uint16_t port_ = 0;
};

/// One who watches without a browser.
class Watching {
 public:
  explicit Watching(const WatchedRun& run) : socket_(run.port()) {}
  void say(const std::string& command) { socket_.say(command); }
  /// The next of a kind: "run", "now", "history".
  nlohmann::json hear(const std::string& kind) {
    while (true) {
      nlohmann::json message = nlohmann::json::parse(socket_.hear());
      if (message["kind"] == kind) return message;
    }
  }
  /// The next "now" of which something is so.
  template <class Condition>
  nlohmann::json until(Condition condition) {
    while (true)
      if (nlohmann::json now = hear("now"); condition(now)) return now;
  }
  web::Socket& socket() { return socket_; }

 private:
  web::Socket socket_;
};

}  // namespace saccade::program
