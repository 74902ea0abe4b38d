#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "tools/fetch/tick.h"

namespace saccade {

/// When a server that does not answer is given up.
struct Patience {
  long connect_seconds = 30;
  long stall_seconds = 60;  ///< without a byte
  int attempts = 5;         ///< how often a connection that broke after some bytes is made again
};

/// Downloads a file of known size by HTTP or HTTPS; proxies are those of the environment (`https_proxy`, `no_proxy`).
/// A first part of it that is there already is kept and only the rest is asked for (a range request); where the server
/// knows no ranges it starts anew. SystemError: no network, no such file on the server, a broken connection, a full
/// disk; what has arrived is left for the next call. InputError: not a URL, or the server has a file of another size;
/// nothing that came of that is left.
void download(const std::string& url, const std::filesystem::path& file, std::uint64_t size, const Patience& patience,
              const Tick& tick);

}  // namespace saccade
