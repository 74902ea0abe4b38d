#include "tools/commands/commands.h"

namespace saccade {

void add_commands(CLI::App& app, CommonFlags& flags) {
  add_replay(app, flags);
  add_train(app, flags);
  add_serve(app, flags);
  add_calibrate(app, flags);
  add_audit(app, flags);
  add_probe(app, flags);
  add_reproduce(app, flags);
  add_sweep(app, flags);
  add_pack(app, flags);
  add_send(app, flags);
  add_step(app, flags);
  add_views(app, flags);
  add_report(app, flags);
  add_export(app, flags);
  add_inspect(app, flags);
  add_fetch(app, flags);
  add_devices(app, flags);
}

}  // namespace saccade
