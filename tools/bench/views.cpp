#include <benchmark/benchmark.h>

#include "streams/views.h"
#include "streams/world/world.h"
#include "tools/bench/synthetic.h"

/// Views drawn and rendered in a second by one thread, by kind: of 32x32 images, or of 96x96 images where the kind cuts
/// a view of 64x64 out of them.
namespace saccade::bench {
namespace {

void render_view(benchmark::State& state, ViewKind kind) {
  const ImageSet images = synthetic_images(200, cuts(kind) ? 96 : 32);
  const DrawOptions options = for_images(images);
  std::vector<float> pixels(view_shape(kind, images).values());
  std::uint64_t presentation = 0;
  for (auto _ : state) {
    const auto source = static_cast<std::uint32_t>(presentation % images.size());
    render(images, draw_recipe(kind, 1, source, presentation, 0, Purpose::view_recipe, options), pixels.data());
    ++presentation;
    benchmark::DoNotOptimize(pixels.data());
    benchmark::ClobberMemory();
  }
  state.counters["views/s"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(render_view, plain, ViewKind::plain);
BENCHMARK_CAPTURE(render_view, affine_hsv, ViewKind::affine_hsv);
BENCHMARK_CAPTURE(render_view, affine, ViewKind::affine);
BENCHMARK_CAPTURE(render_view, rotate_scale_shift, ViewKind::rotate_scale_shift);
BENCHMARK_CAPTURE(render_view, crop_jitter, ViewKind::crop_jitter);
BENCHMARK_CAPTURE(render_view, centre_crop, ViewKind::centre_crop);
BENCHMARK_CAPTURE(render_view, random_crop_flip, ViewKind::random_crop_flip);
BENCHMARK_CAPTURE(render_view, grey_crop, ViewKind::grey_crop);

/// Scenes of the built-in world, each of another object.
void render_world(benchmark::State& state) {
  World::Options options;
  options.size = static_cast<int>(state.range(0));
  const World world(options);
  std::vector<float> pixels(world.view_shape().values());
  std::uint32_t object = 0;
  for (auto _ : state) {
    world.render(world.draw(object++ % world.size(), 0, 0), pixels.data());
    benchmark::DoNotOptimize(pixels.data());
    benchmark::ClobberMemory();
  }
  state.counters["views/s"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(render_world)->Arg(32)->Arg(64);

}  // namespace
}  // namespace saccade::bench
