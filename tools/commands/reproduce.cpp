#include "tools/reproduce/reproduce.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>

#include "engine/device.h"
#include "engine/error.h"
#include "tools/commands/commands.h"

namespace saccade {

void add_reproduce(CLI::App& app, CommonFlags& flags) {
  CLI::App* command =
      app.add_subcommand("reproduce", "A table or figure of the paper: our number beside the published one");
  const auto request = std::make_shared<ReproduceRequest>();
  const auto list = std::make_shared<bool>(false);
  constexpr std::int64_t many = 1'000'000'000;
  command->add_option("table", request->table, fmt::format("{}", fmt::join(preset_names(), " ")))->type_name("TABLE");
  command->add_flag("--list", *list, "List the tables, their cells and the experiment file of each");
  command
      ->add_option("--out", flags.out,
                   "Folder of the results; runs in it are kept, and resumed where they were stopped")
      ->type_name("DIR");
  command->add_option("--row", request->rows, "Only cells with this text in their name; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("TEXT");
  command->add_option("--epochs", request->epochs, "Epochs of the encoder instead of the published number")
      ->check(CLI::Range(std::int64_t{0}, many))
      ->type_name("N");
  command->add_option("--images", request->images, "At most so many training images of the encoder")
      ->check(CLI::Range(std::int64_t{1}, many))
      ->type_name("N");
  command->add_option("--seeds", request->seeds, "A run for each seed, e.g. 1,2,3")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
      ->type_name("N,N")
      ->capture_default_str();
  command->add_option("--encoder-data", request->encoder_data, "Data set of encoders that the paper trains on CIFAR")
      ->check(CLI::IsMember({"cifar10", "cifar100"}))
      ->type_name("NAME");
  add_experiment_flags(*command, flags);
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command,
              "saccade reproduce table1 --data DIR --encoder-data cifar10 --epochs 10 --row e2e --out runs/table1");
  command->callback([&flags, request, list] {
    if (*list) {
      fmt::print("{}", flags.json ? list_presets_json() : list_presets());
      return;
    }
    if (request->table.empty())
      throw InputError(fmt::format("reproduce: which table or figure? Known are {}", fmt::join(preset_names(), ", ")));
    if (flags.device == "cuda")
      make_device(flags);  // refused before anything is written, and for figures of no run too
    request->flags = flags;
    request->flags.data = data_folder(flags);
    flags.exit_code = reproduce(*request);
  });
}

}  // namespace saccade
