#pragma once
#include <optional>
#include <set>
#include <string>

#include "engine/error.h"
#include "streams/network/arrival_log.h"

namespace saccade {

/// A refusal of what may be let in a little later.
class RefusedForNow : public InputError {
 public:
  using InputError::InputError;
};

/// The streams that a server knows, and which of them are being sent. A new one takes its place with its first event;
/// until then a place is kept for it while its sender stays. Owned by one thread.
class StreamRegister {
 public:
  /// `most`: streams that there may be.
  StreamRegister(ArrivalLogs& logs, std::uint32_t most) : logs_(logs), most_(most) {}

  /// A sender comes. Where its stream is recorded; nothing for a new one. InputError, also as RefusedForNow, for a
  /// name that is none or in use, and where there is no place left.
  std::optional<ArrivalLogs::Place> enter(const std::string& what, const std::string& name);
  /// The first event of a stream that was new.
  ArrivalLogs::Place begin(const std::string& name);
  const ArrivalLog* log_of_new() const { return logs_.of_new(); }
  /// The sender has gone.
  void leave(const std::string& name);
  /// Streams that have sent something.
  std::size_t begun() const { return logs_.streams(); }

 private:
  ArrivalLogs& logs_;
  const std::uint32_t most_;
  std::set<std::string> present_, fresh_;  ///< the latter, of the former: without an event
};

}  // namespace saccade
