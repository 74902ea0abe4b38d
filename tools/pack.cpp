#include "tools/pack.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/error.h"
#include "streams/prefetch.h"
#include "streams/shape_text.h"
#include "tools/experiment/setup.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"

namespace saccade {
namespace {

/// A recording under way, and what is said about it.
class Packer {
 public:
  Packer(const ViewFileHeader& header, const CommonFlags& flags, FileSystem& files)
      : flags_(flags), header_(header), files_(files), writer_(files, flags.out, header) {}

  /// All views that are wanted, or those until the stream ends or a signal comes.
  void record(Stream& stream) {
    constexpr std::uint64_t views_per_flush = 64;  // what a kill may lose
    Progress progress("pack", header_.planned, "views", flags_.quiet);
    while ((header_.planned == 0 || views_ < header_.planned) && !interrupted()) {
      const auto event = stream.next();
      if (!event) return;
      writer_.write(event->event);
      last_ = event->key.time;
      if (!std::holds_alternative<View>(event->event)) continue;
      ++views_;
      fixations_ = std::get<View>(event->event).fixation + 1;
      if (views_ % views_per_flush == 0) writer_.flush();
      progress.update(views_);
    }
  }

  std::uint64_t views() const { return views_; }
  void close() { writer_.close(); }
  void discard() { files_.remove(writer_.partial()); }

  void print() const {
    const auto bytes = files_.size(flags_.out);
    const auto bytes_per_view = static_cast<double>(bytes) / static_cast<double>(views_);
    if (flags_.json) {
      const nlohmann::ordered_json json = {
          {"file", flags_.out.string()},      {"content", to_string(header_.content)}, {"views", views_},
          {"fixations", fixations_},          {"seconds", to_seconds(last_)},          {"bytes", bytes},
          {"bytes_per_view", bytes_per_view}, {"interrupted", interrupted()}};
      fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    } else {
      fmt::print("{}: {} views ({}) in {} fixations, {:.6g} s of the stream, {:.1f} bytes a view{}\n",
                 flags_.out.string(), views_, to_string(header_.content), fixations_, to_seconds(last_), bytes_per_view,
                 interrupted() ? "; interrupted" : "");
    }
  }

 private:
  const CommonFlags& flags_;
  const ViewFileHeader& header_;
  FileSystem& files_;
  ViewFileWriter writer_;
  std::uint64_t views_ = 0, fixations_ = 0;
  Time last_ = 0;
};

void check_out(const CommonFlags& flags) {
  if (flags.out.empty()) throw InputError("pack: where should the stream go? Give --out F.views");
}

/// With their pixels, rendered ahead on all cores.
int pack_pixels(std::unique_ptr<RenderableStream> stream, const ViewFileHeader& header, const CommonFlags& flags) {
  PrefetchedStream rendered(std::move(stream), std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  return pack(rendered, header, flags);
}

/// Of a stream that comes as pixels and is of no data set.
ViewFileHeader pixel_header(const ViewShape& shape, const std::string& name, std::uint64_t views) {
  if (shape.values() > largest_view)
    throw InputError(fmt::format("pack: views of {}: expected at most 2^24 values", shape_text(shape)));
  ViewFileHeader header;
  header.height = shape.height;
  header.width = shape.width;
  header.channels = shape.channels;
  header.content = ViewFileHeader::Content::pixels;
  header.source_name = name;
  header.planned = views;
  return header;
}

}  // namespace

int pack(Stream& stream, const ViewFileHeader& header, const CommonFlags& flags, FileSystem& files) {
  check_out(flags);
  catch_interrupts();
  Packer packer(header, flags, files);
  std::string fault;
  try {
    packer.record(stream);
  } catch (const InputError& error) {
    fault = error.what();
  }
  if (packer.views() == 0) {
    packer.discard();
    throw InputError(fault.empty() ? "pack: the stream has no views" : fault);
  }
  packer.close();
  // A pipe that the same Ctrl-C ended ends anywhere.
  if (!fault.empty() && !interrupted())
    throw InputError(fmt::format("{}; the {} views before are in {}", fault, packer.views(), flags.out.string()));
  packer.print();
  return interrupted() ? 130 : 0;
}

int pack_experiment(const std::filesystem::path& file, ViewFileHeader::Content content, const CommonFlags& flags) {
  check_out(flags);
  const Experiment experiment = load_experiment(file, flags.set);
  const DataSet data = load_experiment_data(experiment, data_folder(flags));
  ViewFileHeader header;
  header.height = experiment.network.height;
  header.width = experiment.network.width;
  header.channels = experiment.network.channels;
  header.kind = experiment.view.kind;
  header.source_name = data_name(experiment.data);
  header.description = write_experiment(experiment);
  header.planned = static_cast<std::uint64_t>(experiment.events);
  auto events = event_stream(experiment, data);
  if (experiment.data == Experiment::Data::none || content == ViewFileHeader::Content::pixels) {
    header.content = ViewFileHeader::Content::pixels;
    return pack_pixels(std::move(events), header, flags);
  }
  const auto source = view_source(experiment, data);
  header.source_size = source->size();
  header.source_hash = source->hash();
  RecipeStream recipes(std::move(events));
  return pack(recipes, header, flags);
}

int pack_raw_frames(const RawFrameOptions& options, std::uint64_t views, const CommonFlags& flags) {
  check_out(flags);
  if (isatty(STDIN_FILENO))
    throw InputError("pack --raw: standard input is a terminal, expected frames from a pipe or a file");
  std::ios::sync_with_stdio(false);
  RawFrames frames(std::cin, "standard input", options);
  ViewFileHeader header = pixel_header(options.shape, "raw frames", views);
  header.description =
      fmt::format("raw frames, {} per second, fixations of {}\n", options.frame_rate, options.fixation);
  return pack(frames, header, flags);
}

int pack_frame_list(const std::filesystem::path& list, const FrameListStream::Options& options, std::uint64_t views,
                    const CommonFlags& flags) {
  check_out(flags);
  auto frames = std::make_unique<FrameListStream>(list, options);
  if (views > frames->views())
    throw InputError(fmt::format("--events {}: {} has {} frames", views, list.string(), frames->views()));
  ViewFileHeader header = pixel_header(options.shape, list.filename().string(), views > 0 ? views : frames->views());
  header.description = fmt::format("{} frames listed in {}\n", frames->views(), list.filename().string());
  return pack_pixels(std::move(frames), header, flags);
}

}  // namespace saccade
