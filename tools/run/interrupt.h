#pragma once

namespace saccade {

/// From now on SIGINT and SIGTERM only raise a flag, so that the run can save a checkpoint; a second one ends the
/// program at once. Process-wide; may be called again.
void catch_interrupts();

/// Whether the flag is up. Cheap enough for every event.
bool interrupted();

}  // namespace saccade
