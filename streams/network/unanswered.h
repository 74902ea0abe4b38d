#pragma once
#include <cstdint>
#include <deque>
#include <optional>

#include "streams/network/send_schedule.h"
#include "streams/network/wire.h"
#include "streams/stream.h"

namespace saccade {

/// A stream on its way to a server: gives the events that the server has not got, in order, and remembers, without
/// their pixels, those that have no answer, so that another connection goes on with them. An event is settled when it
/// has been answered, or a Welcome covers it. Owned by one thread.
class UnansweredEvents {
 public:
  using Clock = SendSchedule::Clock;

  /// Events that may be without an answer at a time.
  static constexpr std::size_t most = 1 << 16;

  /// The stream goes on where it stands, and is only sought where events have to be sent again.
  explicit UnansweredEvents(Stream& stream) : stream_(stream) {}

  /// A new connection, whose events are numbered from 0.
  void connect(const wire::Welcome& welcome);
  /// The next event to send; nothing at the end.
  std::optional<Event> next();
  /// The last of next() stands before byte `end` of the connection.
  void packed(std::uint64_t end);
  /// So many bytes of the connection have been handed to the system.
  void written(std::uint64_t bytes, Clock::time_point now);

  struct Answered {
    bool view = false;
    std::uint64_t event = 0;  ///< of the stream as it was given, from 0
    double seconds = 0;       ///< since it was written
  };
  /// InputError for an event that was not sent over this connection, or has been answered.
  Answered answer(std::uint64_t number, Clock::time_point now);

  /// Whether the server owes an answer.
  bool waiting() const { return settled_ < views_ + saccades_; }
  bool full() const { return window_.size() >= most; }
  std::uint64_t views() const { return views_; }        ///< packed; those sent again count once
  std::uint64_t saccades() const { return saccades_; }  ///< likewise
  std::uint64_t settled() const { return settled_; }    ///< of them
  std::uint64_t skipped() const { return skipped_; }    ///< that the server had before

 private:
  /// What Stream::seek(views) and then `behind` times next() lead to.
  struct Place {
    std::uint64_t views = 0, behind = 0;
  };
  struct Entry {
    Place place;  ///< before it
    bool view = false;
    bool counted = false;  ///< packed, over any connection
    bool settled = false;
    std::uint64_t number = 0;  ///< of the connection's events; where it is skipped there, that of the next
    std::uint64_t end = 0;     ///< in the connection; 0: not packed
    std::optional<Clock::time_point> written;
  };
  void settle(Entry& entry);
  void forget_settled();

  Stream& stream_;
  wire::Welcome welcome_;
  std::deque<Entry> window_;  ///< from the first that is not settled on
  std::uint64_t first_ = 0;   ///< number of that one in the stream
  std::size_t cursor_ = 0;    ///< in the window: what the stream gives next
  std::size_t stamped_ = 0;   ///< in the window: the first that may lack its time
  Place place_;               ///< of the stream, where the cursor is at the window's end
  std::uint64_t number_ = 0;  ///< of the next event of the connection
  std::uint64_t views_ = 0, saccades_ = 0, settled_ = 0, skipped_ = 0;
};

}  // namespace saccade
