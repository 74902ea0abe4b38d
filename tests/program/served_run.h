#pragma once
#include "program.h"
#include "streams/network/sender.h"
#include "streams/recorded_stream.h"
#include "streams/same_event.h"

namespace saccade::program {

inline std::string fingerprint(const fs::path& run) {
  return json_of(run / "summary.json")["fingerprint"].get<std::string>();
}

/// The events of a recording of pixels, whole or not.
inline std::vector<Event> events_of(const fs::path& file) {
  ViewFileReader reader(real_files(), file);
  std::vector<Event> events;
  while (auto event = reader.next()) events.push_back(std::move(*event));
  return events;
}

/// A `serve` that runs beside the test; it listens when the constructor returns.
class ServedRun {
 public:
  /// `err`: where its standard error goes. `arguments`: behind the command's name and --listen.
  ServedRun(const fs::path& err, const Arguments& arguments)
      : process_(Arguments{"serve", "--listen", "127.0.0.1:0"} + arguments, {},
                 {"/bin/sh", "-c", "exec \"$@\" 2>'" + err.string() + "'", "sh"}) {
    const std::string said = "saccade: listening on ";
    if (!eventually(
            [&] { return (contains(text_of(err), said) && text_of(err).ends_with("\n")) || process_.ended(); }) ||
        process_.ended())
      throw std::runtime_error("no server: " + text_of(err));
    const std::string text = text_of(err);
    const std::size_t from = text.find(said) + said.size();
    address = text.substr(from, text.find(' ', from) - from);
  }
  bool ended() { return process_.ended(); }
  void send(int signal) const { process_.send(signal); }
  Outcome wait() { return process_.wait(); }
  /// Of a recording of pixels, once.
  SendOptions to_send(const RecordedStream& stream, const std::string& name = {}) const {
    SendOptions options;
    options.to = *split_host_port(address);
    options.stream = name;
    options.header = stream.recording().header;
    options.retries = 0;
    return options;
  }

  std::string address;

 private:
  Process process_;
};

}  // namespace saccade::program
