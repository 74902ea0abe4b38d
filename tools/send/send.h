#pragma once
#include <filesystem>
#include <string>

#include "streams/network/sender.h"
#include "tools/cli.h"

namespace saccade {

struct SendRequest {
  std::filesystem::path file;  ///< F.views
  std::string to;              ///< HOST:PORT
  std::string rate = "max";    ///< streams/network/send_schedule.h
  SendOptions options;         ///< name, retries and silence; the rest is filled in
};

/// Sends a recording to `saccade serve`, rendering recipes from their data set, and prints what came of it. Returns the
/// program's exit code: 0, or 130 when interrupted. InputError also for a file of several streams.
int send_file(SendRequest request, const CommonFlags& flags);

}  // namespace saccade
