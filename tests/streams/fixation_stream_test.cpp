#include "streams/fixation_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/random.h"
#include "same_events.h"
#include "streams/views.h"

using namespace saccade;
using namespace saccade::test;

TEST_CASE("times, keys and order of a generated stream") {
  const ImageSet images = small_images(6);
  StreamOptions options = small_options();
  options.views = 3;
  options.fixation_seconds = 0.0000100;  // 10 ticks: views at 0, 3 and 6
  options.source = 4;
  FixationStream stream = stream_of(images, options);
  const Time offsets[] = {0, 3, 6};
  std::uint64_t sequence = 0;
  std::optional<EventKey> previous;
  for (std::uint64_t fixation = 0; fixation < 20; ++fixation) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      const auto scheduled = stream.next();
      REQUIRE(scheduled);
      CHECK(scheduled->key.source == 4);
      CHECK(scheduled->key.target == 0);
      CHECK(scheduled->key.sequence == sequence++);
      CHECK((!previous || *previous < scheduled->key));
      previous = scheduled->key;
      if (i == 3) {
        REQUIRE(std::holds_alternative<Saccade>(scheduled->event));
        const auto& saccade = std::get<Saccade>(scheduled->event);
        CHECK(saccade.fixation == fixation);
        CHECK(saccade.time == static_cast<Time>(fixation + 1) * 10);
        CHECK(scheduled->key.time == saccade.time);
        CHECK(scheduled->key.priority == EventPriority::saccade);
      } else {
        REQUIRE(std::holds_alternative<View>(scheduled->event));
        const auto& view = std::get<View>(scheduled->event);
        CHECK(view.fixation == fixation);
        CHECK(view.index == i);
        CHECK(view.time == static_cast<Time>(fixation) * 10 + offsets[i]);
        CHECK(scheduled->key.time == view.time);
        CHECK(scheduled->key.priority == EventPriority::view);
        CHECK(view.recipe.source ==
              permuted(options.seed, Purpose::object_order, fixation / 6, static_cast<std::uint32_t>(fixation % 6), 6));
        const auto recipe = draw_recipe(ViewKind::affine_hsv, options.seed, view.recipe.source, fixation, i);
        CHECK(view.recipe.parameters == recipe.parameters);
        Pixels pixels(images.image_bytes());
        render(images, recipe, pixels.data());
        REQUIRE(view.pixels);
        CHECK(*view.pixels == pixels);
      }
    }
  }
}

TEST_CASE("a stream of recipes gives the same events, without pixels") {
  const ImageSet images = small_images(6);
  FixationStream stream = stream_of(images, small_options());
  RecipeStream recipes(std::make_unique<FixationStream>(stream_of(images, small_options())));
  for (const std::uint64_t start : {0, 5}) {
    stream.seek(start);
    recipes.seek(start);
    for (int i = 0; i < 12; ++i) {
      auto expected = stream.next(), found = recipes.next();
      REQUIRE(found);
      if (auto* view = std::get_if<View>(&found->event)) {
        CHECK_FALSE(view->pixels);
        view->pixels = std::get<View>(expected->event).pixels;
      }
      CHECK(same(*expected, *found));
    }
  }
}

TEST_CASE("default times: 300 ms, the second view in the middle") {
  const ImageSet images = small_images(6);
  FixationStream stream = stream_of(images, StreamOptions{});
  CHECK(stream.next()->key.time == 0);
  CHECK(stream.next()->key.time == 150'000);
  CHECK(stream.next()->key.time == 300'000);
  CHECK(stream.next()->key.time == 300'000);
}

TEST_CASE("seek(N) goes on where N views end, for every N") {
  const ImageSet images = small_images(5);
  std::vector<StreamOptions> streams(6, small_options());
  streams[0].views = 1;
  streams[2].views = 3;
  streams[3].dwell = Dwell::uniform;
  streams[4].dwell = Dwell::geometric;
  streams[5].returns = 0.5;
  for (const StreamOptions& options : streams) {
    const auto whole = take(stream_of(images, options), 60);
    FixationStream again = stream_of(images, options);
    for (std::uint64_t seen = 0; seen <= 24; ++seen) {
      CAPTURE(options.views);
      CAPTURE(static_cast<int>(options.dwell));
      CAPTURE(options.returns);
      CAPTURE(seen);
      again.seek(seen);
      const std::size_t start = after_views(whole, seen);
      for (std::size_t i = start; i < whole.size(); ++i) REQUIRE(same(*again.next(), whole[i]));
      // The first view of a later fixation comes after the saccade that precedes it.
      if (seen > 0 && options.dwell == Dwell::fixed && seen % static_cast<std::uint64_t>(options.views) == 0) {
        CHECK(std::holds_alternative<Saccade>(whole[start].event));
      }
    }
    again.seek(3);
    again.seek(20);  // forwards and back
    again.seek(7);
    CHECK(same(*again.next(), whole[after_views(whole, 7)]));
  }
}

TEST_CASE("views keep their distance in time when fixations differ in length") {
  const ImageSet images = small_images(5);
  StreamOptions options = small_options();
  options.dwell = Dwell::geometric;
  options.fixation_seconds = 0.000005;  // two views in 5 ticks
  FixationStream stream = stream_of(images, options);
  std::uint64_t views = 0;
  std::uint64_t sequence = 0;
  for (const ScheduledEvent& event : take(stream, 500)) {
    CHECK(event.key.sequence == sequence++);
    CHECK(event.key.time == static_cast<Time>(views) * 5 / 2);  // a saccade: that of the view behind it
    views += std::holds_alternative<View>(event.event);
  }
}

TEST_CASE("the queue restores the stream from any order of insertion") {
  const ImageSet images = small_images(5);
  StreamOptions options = small_options();
  options.fixation_seconds = 0.000002;  // many equal times
  const auto events = take(stream_of(images, options), 60);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    EventQueue queue;
    for (std::uint32_t i = 0; i < 60; ++i) queue.push(events[permuted(seed, Purpose::object_order, 0, i, 60)]);
    for (const auto& event : events) REQUIRE(same(*queue.pop(), event));
    CHECK(queue.empty());
  }
}

TEST_CASE("options outside their ranges are refused") {
  const ImageSet images = small_images(5);
  const auto error = [&](auto change) {
    return message_of<InputError>([&] {
      StreamOptions options = small_options();
      change(options);
      FixationStream stream = stream_of(images, options);
    });
  };
  CHECK(error([](StreamOptions&) {}).empty());
  CHECK(says(error([](StreamOptions& o) { o.views = 0; }), {"views per fixation = 0", "1 to"}));
  CHECK(says(error([](StreamOptions& o) { o.views = 1 << 28; }), {"views per fixation"}));
  CHECK(says(error([](StreamOptions& o) { o.fixation_seconds = 0; }), {"0 ticks", "at least one tick"}));
  CHECK(says(error([](StreamOptions& o) { o.fixation_seconds = 0.000001; }), {"1 ticks for 2 views"}));
  CHECK(!error([](StreamOptions& o) { o.fixation_seconds = -1; }).empty());
  ImageSet grey = small_images(5);
  grey.channels = 1;
  CHECK(says(message_of<InputError>([&] { FixationStream stream = stream_of(grey, small_options()); }),
             {"affine-hsv", "3 channels"}));
  const ImageSet none{"none", 32, 32, 3, {}, {}, {}};
  CHECK(says(message_of<InputError>([&] { FixationStream stream = stream_of(none, small_options()); }),
             {"none", "no images"}));
}

TEST_CASE("the end of simulated time is an end, not an overflow") {
  const ImageSet images = small_images(5);
  StreamOptions options = small_options();
  options.fixation_seconds = 2e12;  // 2^63 - 1 ticks hold four of them
  options.views = 6;                // five times the fixation's ticks would overflow
  FixationStream stream = stream_of(images, options);
  CHECK(says(message_of<InputError>([&] { stream.seek(~std::uint64_t{0}); }),
             {"18446744073709551615", "expected below"}));
  CHECK(says(message_of<InputError>([&] { stream.seek(24); }), {"view 24", "expected below 24"}));
  const auto events = take(stream, 1000);  // a refused seek has changed nothing
  REQUIRE(events.size() == 4 * 7);
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].key.sequence == i);
    CHECK((i == 0 || events[i - 1].key < events[i].key));
  }
  CHECK(events[5].key.time == 1'666'666'666'666'666'666);
  CHECK(events.back().key.time == 8'000'000'000'000'000'000);
}
