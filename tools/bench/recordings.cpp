#include <benchmark/benchmark.h>

#include <filesystem>

#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "streams/recorded_stream.h"
#include "tools/bench/synthetic.h"

/// Recorded streams of 32x32x3 views (affine-hsv), two a fixation, read by one thread: views/s of the events alone,
/// with their recipes or their pixels; of the whole way to pixels; of the first pass over a file, which checks it. And
/// the bytes that a view takes there. Files are in the cache of the system.
namespace saccade::bench {
namespace {

using Content = ViewFileHeader::Content;
constexpr std::uint64_t views = 20000;

/// A recording in a file that goes away.
struct Recorded {
  explicit Recorded(Content content) {
    std::filesystem::remove(file);
    const ViewFileHeader header{
        32, 32, 3, ViewKind::affine_hsv, content, source->name(), source->size(), source->hash(), "", views};
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
  std::shared_ptr<const ViewSource> source = std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 1);
};

void count(benchmark::State& state, const Recorded& recorded, double views_per_iteration) {
  state.counters["views/s"] = benchmark::Counter(views_per_iteration, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes/view"] =
      static_cast<double>(std::filesystem::file_size(recorded.file)) / static_cast<double>(views);
}

void read_recording(benchmark::State& state, Content content, bool render) {
  const Recorded recorded(content);
  RecordedStream stream(recorded.file, recorded.source);
  for (auto _ : state) {
    for (bool viewed = false; !viewed;) {
      auto event = render ? stream.next() : stream.next_recipe();
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
BENCHMARK_CAPTURE(read_recording, recipes, Content::recipes, false);
BENCHMARK_CAPTURE(read_recording, recipes_rendered, Content::recipes, true);
BENCHMARK_CAPTURE(read_recording, pixels, Content::pixels, true);

void check_recording(benchmark::State& state, Content content) {
  const Recorded recorded(content);
  for (auto _ : state) {
    const RecordedStream stream(recorded.file, recorded.source);
    benchmark::DoNotOptimize(&stream);
  }
  count(state, recorded, views);
}
BENCHMARK_CAPTURE(check_recording, recipes, Content::recipes);
BENCHMARK_CAPTURE(check_recording, pixels, Content::pixels);

}  // namespace
}  // namespace saccade::bench
