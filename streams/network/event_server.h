#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/recorder.h"
#include "streams/network/arrival_log.h"
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
  std::uint64_t most_views = 0;  ///< accepted in all
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
};

/// An accepted event, recorded and flushed, on its way to the learner.
struct Arrival {
  Event event;
  std::uint64_t connection = 0;  ///< 0: none that waits for an answer
  std::uint64_t number = 0;      ///< of the connection's events
};

/// Takes streams of events from several peers at once (streams/network/wire.h) on a thread of its own: verifies and
/// records what comes, hands it to one learner in the order of its arrival, and tells each sender what its event did.
/// All peers together can make it hold `waiting` events and one unfinished message each: where more come it reads no
/// further (or drops). A peer that breaks off, breaks the rules or does not read costs nobody else anything. next(),
/// answer() and stop() belong to the learner's thread.
class EventServer {
 public:
  /// Listens when it returns. InputError when it cannot. `say` gets lines for people, on the server's thread.
  EventServer(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLog& log,
              std::function<void(const std::string&)> say);
  /// Waits up to two seconds until answers are delivered.
  ~EventServer();
  EventServer(const EventServer&) = delete;
  EventServer& operator=(const EventServer&) = delete;

  /// InputError when one cannot listen there now.
  static void check_address(const EventServerOptions& options);
  std::uint16_t port() const;
  /// The next accepted event; nothing when none has come for so long. Throws what has stopped the server (a full disk).
  std::optional<Arrival> next(std::chrono::milliseconds wait);
  /// What it did. `updates` only of a view.
  void answer(const Arrival& arrival, bool updated, std::vector<UpdateRecord> updates);
  /// From now on nothing is accepted; what was accepted still has to be fetched by next().
  void stop();
  /// Events that wait for next().
  std::size_t waiting() const;
  EventServerCounts counts() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace saccade
