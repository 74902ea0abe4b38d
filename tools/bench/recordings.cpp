#include <benchmark/benchmark.h>

#include <filesystem>

#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "streams/recorded_stream.h"
#include "tools/bench/synthetic.h"

/// Recorded streams of 32x32x3 views, two a fixation, read by one thread: views/s of recipes (affine-hsv) as they are
/// and rendered, of pixels that are stored as bytes (plain) or floats (affine-hsv), and of the first pass over a file,
/// which checks it. And the bytes that a view takes there. Files are in the cache of the system.
namespace saccade::bench {
namespace {

using Content = ViewFileHeader::Content;
constexpr std::uint64_t views = 20000;

/// A recording in a file that goes away.
struct Recorded {
  Recorded(Content content, ViewKind kind) : source(std::make_shared<DeformedImages>(images, kind, 1)) {
    std::filesystem::remove(file);
    const ViewFileHeader header{32, 32, 3, kind, content, source->name(), source->size(), source->hash(), "", views};
    ViewFileWriter writer(real_files(), file, header);
    FixationStream stream(source, {});
    for (std::uint64_t seen = 0; seen < views;) {
      const auto event = content == Content::pixels ? stream.next() : stream.next_recipe();
      writer.write(event->event);
      seen += std::holds_alternative<View>(event->event);
    }
    writer.close();
  }
  ~Recorded() { std::filesystem::remove(file); }

  std::filesystem::path file = std::filesystem::temp_directory_path() / "saccade-bench.views";
  ImageSet images = synthetic_images(2000, 32);
  std::shared_ptr<const ViewSource> source;
};

void count(benchmark::State& state, const Recorded& recorded, double views_per_iteration) {
  state.counters["views/s"] = benchmark::Counter(views_per_iteration, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes/view"] =
      static_cast<double>(std::filesystem::file_size(recorded.file)) / static_cast<double>(views);
}

/// As it is, or rendered where it has no pixels.
enum class Way { events, pixels };

void read_recording(benchmark::State& state, Content content, ViewKind kind, Way way) {
  const Recorded recorded(content, kind);
  RecordedStream stream(recorded.file, recorded.source);
  for (auto _ : state) {
    for (bool viewed = false; !viewed;) {
      auto event = way == Way::pixels ? stream.next() : stream.next_recipe();
      if (!event) {
        stream.seek(0);
        continue;
      }
      viewed = std::holds_alternative<View>(event->event);
      benchmark::DoNotOptimize(event);
    }
  }
  count(state, recorded, 1);
}
BENCHMARK_CAPTURE(read_recording, recipes, Content::recipes, ViewKind::affine_hsv, Way::events);
BENCHMARK_CAPTURE(read_recording, recipes_rendered, Content::recipes, ViewKind::affine_hsv, Way::pixels);
BENCHMARK_CAPTURE(read_recording, bytes, Content::pixels, ViewKind::plain, Way::pixels);
BENCHMARK_CAPTURE(read_recording, floats, Content::pixels, ViewKind::affine_hsv, Way::pixels);

void check_recording(benchmark::State& state, Content content, ViewKind kind) {
  const Recorded recorded(content, kind);
  for (auto _ : state) {
    const RecordedStream stream(recorded.file, recorded.source);
    benchmark::DoNotOptimize(&stream);
  }
  count(state, recorded, views);
}
BENCHMARK_CAPTURE(check_recording, recipes, Content::recipes, ViewKind::affine_hsv);
BENCHMARK_CAPTURE(check_recording, bytes, Content::pixels, ViewKind::plain);
BENCHMARK_CAPTURE(check_recording, floats, Content::pixels, ViewKind::affine_hsv);

}  // namespace
}  // namespace saccade::bench
