#pragma once
#include <chrono>
#include <functional>
#include <string>

#include "engine/view_file.h"
#include "streams/network/host_port.h"
#include "streams/network/latency.h"
#include "streams/network/send_schedule.h"
#include "streams/network/wire.h"
#include "streams/stream.h"

namespace saccade {

struct SendOptions {
  HostPort to;            ///< a name or an address, and a port
  std::string stream;     ///< its name there; empty: wire::default_stream
  std::string token;      ///< empty: none
  ViewFileHeader header;  ///< of the views; they are sent as pixels whatever it says
  SendRate rate;
  int retries = 5;                             ///< in a row, without an event being answered
  std::chrono::milliseconds first_pause{250};  ///< before the first of them; it doubles, to 8 s
  std::chrono::milliseconds silence{120'000};  ///< a server that owes something and neither reads nor answers is left
  std::chrono::milliseconds farewell{2'000};   ///< for the last answers, once interrupted
};

struct SendCounts {
  std::uint64_t views = 0, saccades = 0;  ///< sent; what had to be sent again counts once
  std::uint64_t skipped = 0;              ///< events that the server had before
  std::uint64_t answered = 0;             ///< of those sent: the server has recorded them, or dropped them
  std::uint64_t dropped = 0, updated = 0;
  std::uint64_t reconnects = 0;
  double seconds = 0;  ///< since the server's first welcome
  bool interrupted = false;
  Latency latency;  ///< from a view's last byte going to the system until its answer; without dropped ones
};

/// Who is told while a stream is sent; any may be empty. On the sending thread.
struct SendWatch {
  /// Every answer, `event` being the number of the event in the stream as it was given, from 0.
  std::function<void(std::uint64_t event, const wire::Answer& answer, const SendCounts& counts)> answer;
  std::function<void(const std::string&)> notice;  ///< a lost connection, for people
  std::function<bool()> stop;  ///< looked at every 20 ms: send no more, wait for answers as long as `farewell`
};

/// Sends a stream's events, its views with pixels, to a server (streams/network/wire.h) until it has answered all of
/// them, on the calling thread. Reads answers while it writes, and waits for a server that reads slowly: at most 64 kB
/// and a view are unsent, at most 65536 events, without pixels, unanswered. A connection that is lost is made again,
/// and the stream goes on behind what the server has; it is sought for that. InputError for a server that refuses the
/// stream (with its reason), or talks about something else; SystemError for one that cannot be reached.
SendCounts send(Stream& stream, const SendOptions& options, const SendWatch& watch = {});

}  // namespace saccade
