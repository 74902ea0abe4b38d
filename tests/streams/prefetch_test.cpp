#include "streams/prefetch.h"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

#include "engine/error.h"
#include "same_events.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// A short source that can end or fail: as asked in next_recipe() (before event `fail_at`) or in render_pixels().
class FaultySource final : public RenderableStream {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  std::uint64_t end = never, fail_recipe = never, fail_render = never;

  std::optional<ScheduledEvent> next_recipe() override {
    if (position_ == end) return std::nullopt;
    if (position_ == fail_recipe) throw InputError("recipe " + std::to_string(position_));
    ScheduledEvent event;
    event.key.time = static_cast<Time>(position_);
    event.key.sequence = position_;
    event.event = View{event.key.time, position_, 0, {}, nullptr};
    ++position_;
    return event;
  }
  void render_pixels(View& view) const override {
    // Later views of a chunk are done sooner, so that workers overtake each other.
    std::this_thread::sleep_for(std::chrono::microseconds(50 * (3 - view.fixation % 4)));
    if (view.fixation == fail_render) throw std::runtime_error("render " + std::to_string(view.fixation));
    view.pixels = std::make_shared<Pixels>(1, static_cast<float>(view.fixation));
  }
  void seek(std::uint64_t view) override {
    if (view > 1000) throw InputError("too far");
    position_ = view;
  }

 private:
  std::uint64_t position_ = 0;
};

}  // namespace

TEST_CASE("a prefetched stream equals the inline one bit for bit") {
  const ImageSet images = small_images(23);
  const auto inline_events = take(stream_of(images, small_options()), 500);
  for (int threads : {0, 1, 2, 5}) {
    for (int chunk : {1, 3, 16}) {
      CAPTURE(threads);
      CAPTURE(chunk);
      PrefetchedStream stream(std::make_unique<FixationStream>(stream_of(images, small_options())), threads, chunk);
      for (const auto& event : inline_events) REQUIRE(same(*stream.next(), event));
    }
  }
}

TEST_CASE("a prefetched stream seeks like the inline one") {
  const ImageSet images = small_images(23);
  const auto whole = take(stream_of(images, small_options()), 200);
  for (int threads : {0, 1, 2, 5}) {
    PrefetchedStream stream(std::make_unique<FixationStream>(stream_of(images, small_options())), threads, 4);
    for (std::uint64_t seen = 0; seen < 60; ++seen) {
      CAPTURE(threads);
      CAPTURE(seen);
      const std::uint64_t target = seen % 2 == 0 ? seen : 60 - seen;  // forwards and backwards
      stream.seek(target);
      const std::size_t start = after_views(whole, target);
      for (std::size_t i = start; i < start + 11; ++i) REQUIRE(same(*stream.next(), whole[i]));
    }
    stream.seek(5);
    CHECK(same(*stream.next(), whole[after_views(whole, 5)]));
    CHECK_THROWS_AS(stream.seek(~std::uint64_t{0}), InputError);
    CHECK(same(*stream.next(), whole[after_views(whole, 5) + 1]));  // a refused seek changes nothing
  }
}

TEST_CASE("workers that overtake each other do not change the order; the end is an end") {
  for (int threads : {0, 1, 2, 5}) {
    for (std::uint64_t end : {0, 1, 7, 50}) {
      auto source = std::make_unique<FaultySource>();
      source->end = end;
      PrefetchedStream stream(std::move(source), threads, 3);
      for (std::uint64_t i = 0; i < end; ++i) {
        const auto event = stream.next();
        REQUIRE(event);
        REQUIRE(event->key.sequence == i);
        REQUIRE(std::get<View>(event->event).pixels->at(0) == static_cast<float>(i));
      }
      CHECK(!stream.next());
      CHECK(!stream.next());
    }
  }
}

TEST_CASE("an exception arrives at its event, after those before it, and seek() recovers") {
  for (int threads : {0, 1, 2, 5}) {
    for (bool in_render : {false, true}) {
      CAPTURE(threads);
      CAPTURE(in_render);
      auto source = std::make_unique<FaultySource>();
      (in_render ? source->fail_render : source->fail_recipe) = 13;
      PrefetchedStream stream(std::move(source), threads, 4);
      for (std::uint64_t i = 0; i < 13; ++i) REQUIRE(stream.next()->key.sequence == i);
      if (in_render) {
        CHECK(message_of<std::runtime_error>([&] { stream.next(); }) == "render 13");
      } else {
        CHECK(message_of<InputError>([&] { stream.next(); }) == "recipe 13");
        CHECK(message_of<InputError>([&] { stream.next(); }) == "recipe 13");
      }
      stream.seek(20);
      for (std::uint64_t i = 20; i < 40; ++i) REQUIRE(stream.next()->key.sequence == i);
    }
  }
}

TEST_CASE("a prefetched stream can be dropped at any moment") {
  for (int i = 0; i < 30; ++i) {
    PrefetchedStream stream(std::make_unique<FaultySource>(), 1 + i % 4, 2);
    for (int k = 0; k < i % 5; ++k) stream.next();
  }
}

TEST_CASE("misuse of a prefetched stream") {
  CHECK_THROWS_AS(PrefetchedStream(nullptr, 1), std::invalid_argument);
  CHECK_THROWS_AS(PrefetchedStream(std::make_unique<FaultySource>(), -1), std::invalid_argument);
  CHECK_THROWS_AS(PrefetchedStream(std::make_unique<FaultySource>(), 1, 0), std::invalid_argument);
}
