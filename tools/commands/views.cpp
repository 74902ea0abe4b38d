#include "tools/views/views.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"

namespace saccade {

void add_views(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("views", "Pictures of a stream, to look at before learning from it");
  const auto request = std::make_shared<ViewsRequest>();
  command->add_option("experiment", request->experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_option("--out", flags.out, "Folder of sheet.png, strip.png and views.csv: new or empty")
      ->type_name("DIR");
  command->add_option("--fixations", request->fixations, "Rows of the sheet")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  command->add_option("--columns", request->columns, "Views of a fixation on the sheet; views on the strip")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--seconds", request->seconds, "Length of the animation, in the stream's time; at most 600 views")
      ->check(CLI::Range(1e-6, 1e6))
      ->capture_default_str();
  command->add_option("--scale", request->scale, "Pixels for a pixel of a view; 0 = about 64 for a view")
      ->check(CLI::Range(0, 32))
      ->capture_default_str();
  add_stream_flag(*command, flags);
  add_experiment_flags(*command, flags);
  command->add_flag("--quiet", flags.quiet, "No text");
  add_example(*command,
              "saccade views --data DIR --set data=cifar10 --set motion.path=trajectory --set stream.views=20 --set "
              "stream.frame_rate=10 --out views");
  command->callback([&flags, request] {
    apply_stream_flag(flags);
    flags.exit_code = show_views(*request, flags);
  });
}

}  // namespace saccade
