#pragma once

namespace CLI {
class App;
}

namespace saccade {

struct CommonFlags;

/// Each adds one command to the program; the work happens in its callback while the command line is parsed. InputError
/// and other exceptions pass through to run_program.
void add_replay(CLI::App& app, CommonFlags& flags);
void add_serve(CLI::App& app, CommonFlags& flags);
void add_train(CLI::App& app, CommonFlags& flags);
void add_calibrate(CLI::App& app, CommonFlags& flags);
void add_audit(CLI::App& app, CommonFlags& flags);
void add_probe(CLI::App& app, CommonFlags& flags);
void add_reproduce(CLI::App& app, CommonFlags& flags);
void add_sweep(CLI::App& app, CommonFlags& flags);
void add_pack(CLI::App& app, CommonFlags& flags);
void add_send(CLI::App& app, CommonFlags& flags);
void add_step(CLI::App& app, CommonFlags& flags);
void add_views(CLI::App& app, CommonFlags& flags);
void add_report(CLI::App& app, CommonFlags& flags);
void add_export(CLI::App& app, CommonFlags& flags);
void add_inspect(CLI::App& app, CommonFlags& flags);
void add_fetch(CLI::App& app, CommonFlags& flags);
void add_devices(CLI::App& app, CommonFlags& flags);

/// All of them, in the order of the help text.
void add_commands(CLI::App& app, CommonFlags& flags);

}  // namespace saccade
