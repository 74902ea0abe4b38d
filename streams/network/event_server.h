#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/recorder.h"
#include "streams/network/arrival_log.h"
#include "streams/network/arrival_queue.h"
#include "streams/network/server_options.h"

namespace saccade {

/// Takes streams of events from several peers at once (streams/network/wire.h) on a thread of its own: verifies and
/// records what comes, hands it to one learner in the order of its arrival, and tells each sender what its event did.
/// All peers together can make it hold `waiting` events and one unfinished message each: where more come it reads no
/// further (or drops). A peer that breaks off, breaks the rules or does not read costs nobody else anything. next(),
/// answer(), close() and stop() belong to the learner's thread.
class EventServer {
 public:
  /// Listens when it returns. InputError when it cannot. `say` gets lines for people, on the server's thread. The logs
  /// belong to that thread until the server is gone, but for what ArrivalLog says.
  EventServer(const EventServerOptions& options, const ViewFileHeader& header, ArrivalLogs& logs,
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
  /// From now on nothing is accepted into a log; what was still has to be fetched by next(). Its senders are told why.
  void close(const ArrivalLog& log, const std::string& why);
  /// From now on nothing is accepted; what was accepted still has to be fetched by next().
  void stop();
  /// Events that wait for next().
  std::size_t waiting() const;
  EventServerCounts counts() const;
  /// Of the streams of one log, once they had sent an event.
  EventServerCounts counts(const ArrivalLog& log) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace saccade
