#pragma once
#include <memory>

#include "tools/cli.h"
#include "tools/experiment/experiment.h"
#include "tools/live/watch.h"

namespace saccade {

/// The page of `--page`: shows an event-mode run to browsers (web_server.h, live_state.h, pace.h) and takes their
/// commands. Says on standard error where it is. `renderer`: where views come without pixels. InputError when it cannot
/// listen there, and for an address that others reach without a token.
std::unique_ptr<Watch> make_live_page(const CommonFlags& flags, const char* command, const Experiment& experiment,
                                      std::shared_ptr<const ViewSource> renderer = nullptr);

}  // namespace saccade
