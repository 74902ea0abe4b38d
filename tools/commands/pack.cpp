#include "tools/pack.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "engine/error.h"
#include "streams/shape_text.h"
#include "tools/commands/commands.h"

namespace saccade {
namespace {

struct PackRequest {
  std::filesystem::path experiment;
  bool pixels = false;
  std::string raw, size = "32x32";
  std::filesystem::path list;
  Fit fit = Fit::crop;
  RawFrameOptions frames;
  std::int64_t events = 0;
};

/// 3 channels where none are given.
ViewShape frame_shape(const char* flag, const std::string& text) {
  auto shape = shape_from_text(text);
  if (!shape)
    throw InputError(
        fmt::format("{} {}: expected HEIGHTxWIDTH, or HEIGHTxWIDTHxCHANNELS with 1 or 3 channels", flag, text));
  if (shape->channels == 0) shape->channels = 3;
  return *shape;
}

int run_pack(const PackRequest& request, CommonFlags& flags) {
  if (request.raw.empty() && request.list.empty()) {
    if (request.events > 0) flags.set.push_back(fmt::format("events={}", request.events));
    return pack_experiment(request.experiment,
                           request.pixels ? ViewFileHeader::Content::pixels : ViewFileHeader::Content::recipes, flags);
  }
  if (!request.experiment.empty() || !flags.set.empty() || request.pixels)
    throw InputError(
        "pack --raw or --frames: the frames are the stream; leave out the experiment file, --set and --pixels");
  if (!request.list.empty())
    return pack_frame_list(request.list, {frame_shape("--size", request.size), request.fit},
                           static_cast<std::uint64_t>(request.events), flags);
  RawFrameOptions options = request.frames;
  options.shape = frame_shape("--raw", request.raw);
  return pack_raw_frames(options, static_cast<std::uint64_t>(request.events), flags);
}

}  // namespace

void add_pack(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("pack",
                                         "Record a stream in a file: the one that replay would learn from, raw frames "
                                         "from standard input, or listed images");
  const auto request = std::make_shared<PackRequest>();
  command->add_option("experiment", request->experiment, "Experiment file (TOML); the defaults without it")
      ->type_name("EXP.toml");
  command->add_option("--out", flags.out, "The file to write; must not exist")->type_name("F.views");
  command->add_option("--events", request->events, "Views; default: the experiment's events, all frames")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 48))
      ->type_name("N");
  command->add_flag("--pixels", request->pixels, "Store pixels, which need no data set, instead of recipes");
  CLI::Option* raw = command
                         ->add_option("--raw", request->raw,
                                      "Frames of bytes on standard input, HEIGHTxWIDTH[xCHANNELS]; 3 channels: rgb24, "
                                      "1: gray")
                         ->type_name("32x32");
  command->add_option("--fps", request->frames.frame_rate, "Frames per second; default 30")->needs(raw);
  command->add_option("--fixation", request->frames.fixation, "Frames of a fixation; default 10")->needs(raw);
  CLI::Option* list = command
                          ->add_option("--frames", request->list,
                                       "List of PNG and JPEG images (CSV with the columns time, object, view, path)")
                          ->excludes(raw)
                          ->type_name("LIST.csv");
  command->add_option("--size", request->size, "Size of its views, HEIGHTxWIDTH[xCHANNELS]")
      ->needs(list)
      ->capture_default_str();
  command
      ->add_flag_callback(
          "--stretch", [request] { request->fit = Fit::stretch; },
          "Images of another aspect are distorted; else their middle is kept")
      ->needs(list);
  add_experiment_flags(*command, flags);
  add_output_flags(*command, flags);
  add_example(*command,
              "saccade pack --set data=cifar10 --data DIR --events 90000 --out cifar.views\n"
              "  ffmpeg -i CLIP -vf scale=32:32 -f rawvideo -pix_fmt rgb24 - | saccade pack --raw 32x32 --fps 30 --out "
              "clip.views");
  command->callback([&flags, request] { flags.exit_code = run_pack(*request, flags); });
}

}  // namespace saccade
