#pragma once
#include "tools/serve/serve.h"

namespace saccade {

/// Whether a network for each stream is asked for, or was, by what --resume goes on with. InputError for --each and
/// the folder of one network.
bool serves_each(const ServeRequest& request);

/// A run for each stream, each in a folder of its own (stream_folders.h) that is what a server of that stream alone
/// leaves: `saccade serve --resume`, replay and report take it. One thread learns, from whatever comes next; a run ends
/// when it has its views or is stopped by what it learns, and the others go on. Ends when as many streams as may come
/// have ended, or by Ctrl-C. Returns 130 when interrupted, 1 when one was stopped, else 0.
int serve_each(const ServeRequest& request);

}  // namespace saccade
