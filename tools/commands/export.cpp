#include "tools/export/export.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"

namespace saccade {

void add_export(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("export", "Weights of a run, or embeddings of images, as a safetensors file");
  const auto request = std::make_shared<ExportRequest>();
  command->add_option("SOURCE", request->source, "Checkpoint, or the folder of a run (its newest checkpoint)")
      ->required();
  command->add_option("--out", flags.out, "Result (safetensors)")->required()->type_name("FILE");
  command->add_option("--embeddings", request->embeddings, "Embeddings of labelled images and their labels instead")
      ->check(CLI::IsMember({"train", "test"}))
      ->type_name("train|test");
  command->add_option("--layer", request->layer, "Of this layer; all without it")->type_name("I");
  command->add_option("--images", request->images, "The first so many images; 0 = all")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--deformed", request->deformed, "Every image deformed, as the probe tests");
  command->add_flag("--features", request->features, "Also features.I [n, C, H, W], the map that a head reads");
  command->add_flag("--views", request->views, "Also view [n, C, H, W], the images as the network sees them");
  command->add_option("--data", flags.data, "Folder of the data sets; without it SACCADE_DATA")->type_name("DIR");
  add_device_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command,
              "saccade export runs/first --out weights.safetensors\n"
              "  saccade export runs/first --embeddings test --features --out test.safetensors");
  command->callback([&flags, request] { flags.exit_code = export_tensors(*request, flags); });
}

}  // namespace saccade
