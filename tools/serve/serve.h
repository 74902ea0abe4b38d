#pragma once
#include <string>

#include "engine/view_file.h"
#include "streams/network/server_options.h"
#include "tools/run/run.h"

namespace saccade {

inline constexpr std::uint16_t serve_port = 8764;

/// What `saccade serve` is asked for beside what every run is.
struct ServeRequest {
  RunRequest run;
  std::string listen;         ///< HOST:PORT; empty: loopback, serve_port
  EventServerOptions server;  ///< address, token and views are filled in
  bool each = false;          ///< a network for each stream (serve_each.h)
};

/// The server's options, complete. InputError when one cannot listen there now, or may not.
EventServerOptions server_options(const ServeRequest& request, const Experiment& experiment, const CommonFlags& flags);
/// InputError for an experiment that cannot be served.
void check_served(const Experiment& experiment);
/// Says where a server listens, and for what.
void tell_listening(const EventServerOptions& options, std::uint16_t port, const ViewFileHeader& header);
/// What a server says, on standard error.
void say_served(const std::string& line);

/// A run in event mode whose views arrive over the network. It records what it accepts as `arrivals.views` in its
/// folder before it learns from it: `saccade replay --stream` learns the same from that file, and --resume learns what
/// had arrived behind the checkpoint before it listens for more. Ctrl-C: nothing more is accepted, what was accepted is
/// learned, then the run ends with a checkpoint (exit code 130, or 0 where the run has all its views).
int serve(const ServeRequest& request);

}  // namespace saccade
