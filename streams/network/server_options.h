#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "streams/network/token.h"

namespace saccade {

struct EventServerOptions {
  std::string host = "127.0.0.1";  ///< an IP address
  std::uint16_t port = 0;          ///< 0: any that is free
  std::optional<Token> token;      ///< what every peer must tell
  int connections = 64;            ///< at a time
  std::size_t waiting = 1024;      ///< events that wait for the learner, of all streams
  std::size_t waiting_bytes = std::size_t{64} << 20;
  bool drop = false;             ///< when that many wait: drop views; otherwise senders wait
  double most_rate = 0;          ///< events a second of a connection; faster ones are read later; 0 = no limit
  std::uint64_t most_views = 0;  ///< accepted in each log; 0 = no limit
  std::chrono::milliseconds greeting{10'000};  ///< for the first bytes up to Hello or Views
  std::chrono::milliseconds silence{60'000};   ///< without a byte from, or taken by, a peer that could
  std::chrono::milliseconds sync{1'000};       ///< what arrived is on the disk this much later
};

/// What a server has seen.
struct EventServerCounts {
  std::uint64_t connections = 0;  ///< that were let in
  std::uint64_t crowded = 0;      ///< that were not: too many at a time
  std::uint64_t refused = 0;      ///< peers that sent what is no stream of ours, or the wrong token
  std::uint64_t silent = 0;       ///< peers that were cut off: silent, or reading nothing
  std::uint64_t lost = 0;         ///< connections that ended without the stream's last record
  std::uint64_t events = 0;       ///< accepted
  std::uint64_t dropped = 0;      ///< views, and saccades of fixations without any view left

  auto values() { return std::array{&connections, &crowded, &refused, &silent, &lost, &events, &dropped}; }
};

}  // namespace saccade
