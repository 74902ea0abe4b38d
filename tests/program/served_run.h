#pragma once
#include "program.h"

namespace saccade::program {

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
  Process& process() { return process_; }

  std::string address;

 private:
  Process process_;
};

}  // namespace saccade::program
