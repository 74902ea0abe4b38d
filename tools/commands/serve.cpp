#include "tools/serve/serve.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "engine/error.h"
#include "tools/commands/commands.h"

namespace saccade {
namespace {

struct Options {
  ServeRequest request;
  bool keys = false;
  std::string when_behind = "block";
  double sync = 1, silence = 60;
};

}  // namespace

void add_serve(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("serve", "Take streams of views over the network and learn as they arrive");
  const auto options = std::make_shared<Options>();
  EventServerOptions& server = options->request.server;
  command->add_option("experiment", options->request.run.experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_flag("--keys", options->keys, "List the keys of experiment files with their defaults and units");
  command
      ->add_option("--listen", options->request.listen,
                   fmt::format("Where senders come to (127.0.0.1:{}; port 0: any that is free)", serve_port))
      ->type_name("HOST:PORT");
  command->add_option("--out", flags.out, "Folder of the run: new or empty")->type_name("DIR");
  command->add_option("--resume", flags.resume, "Go on with the run, or the runs of --each, in this folder")
      ->type_name("DIR");
  command->add_flag("--each", options->request.each,
                    "A network of its own for each stream, in a folder of its own below --out, up to stream.streams");
  command
      ->add_option("--when-behind", options->when_behind,
                   "When the learner cannot keep up: senders wait (block), or views are dropped and counted (drop)")
      ->check(CLI::IsMember({"block", "drop"}));
  command->add_option("--waiting", server.waiting, "Events that may wait for the learner (1024)")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  command
      ->add_option("--sync", options->sync,
                   "What arrived is on the disk so many seconds later; a power failure costs no more (1)")
      ->check(CLI::Range(0.001, 3600.0))
      ->type_name("SECONDS");
  command->add_option("--connections", server.connections, "Connections at a time (64)")
      ->check(CLI::Range(1, 10000))
      ->type_name("N");
  command
      ->add_option("--most-rate", server.most_rate, "Events a second of a connection; faster ones wait (0: no limit)")
      ->check(CLI::Range(0.0, 1e9))
      ->type_name("N");
  command
      ->add_option("--silence", options->silence, "Seconds after which a silent or never reading peer is cut off (60)")
      ->check(CLI::Range(0.1, 86400.0))
      ->type_name("SECONDS");
  add_page_flags(*command, flags, true);
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command,
              "saccade serve --out runs/live --page\n  saccade send clip.views --to 127.0.0.1:8764 --rate 30");
  command->callback([&flags, options] {
    if (options->keys) return fmt::print("{}", list_experiment_keys(Mode::served));
    ServeRequest& request = options->request;
    const auto milliseconds = [](double seconds) {
      return std::chrono::milliseconds(static_cast<int>(1000 * seconds));
    };
    request.server.drop = options->when_behind == "drop";
    request.server.sync = milliseconds(options->sync);
    request.server.silence = milliseconds(options->silence);
    request.run.flags = flags;
    flags.exit_code = serve(request);
  });
}

}  // namespace saccade
