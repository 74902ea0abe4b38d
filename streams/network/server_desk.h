#pragma once
#include <map>
#include <mutex>

#include "engine/view_file.h"
#include "streams/network/arrival_queue.h"
#include "streams/network/few_lines.h"
#include "streams/network/server_options.h"
#include "streams/network/stream_register.h"

namespace saccade {

/// Counts in all and for each log. Any thread may ask.
class ServerCounter {
 public:
  /// `log`: whose streams caused it; null: none yet.
  void add(std::uint64_t EventServerCounts::*count, const ArrivalLog* log = nullptr, std::uint64_t more = 1);
  /// A connection, counted before, turns out to be of this log.
  void joins(const ArrivalLog& log);
  EventServerCounts total() const;
  EventServerCounts of(const ArrivalLog& log) const;

 private:
  mutable std::mutex mutex_;
  EventServerCounts total_;
  std::map<const ArrivalLog*, EventServerCounts> logs_;
};

/// What the connections of a server share. On the server's thread, but for the queue and the counter.
struct ServerDesk {
  const EventServerOptions options;
  const ViewFileHeader header;
  StreamRegister streams;
  ArrivalQueue queue{options.waiting, options.waiting_bytes};
  ServerCounter counter{};
  FewLines lines;
  std::map<const ArrivalLog*, std::string> closed{};  ///< logs that take no more, and why
  bool behind = false;                                ///< the learner, as was said

  void tell_behind();
};

}  // namespace saccade
