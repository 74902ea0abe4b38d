#include "streams/raw_frames.h"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "engine/error.h"
#include "files.h"
#include "same_events.h"

using namespace saccade;
using namespace saccade::test;

namespace {

std::istringstream input(std::size_t bytes) {
  const Bytes all = noise(bytes, 3);
  return std::istringstream(std::string(all.begin(), all.end()));
}

constexpr ViewShape shape{2, 3, 3};  // 18 bytes

}  // namespace

TEST_CASE("raw frames: bytes, times, fixations and keys") {
  auto in = input(18 * 7);
  const Bytes bytes = noise(18 * 7, 3);
  RawFrames stream(in, "pipe", {shape, 30, 3});
  const auto events = take(stream, 100);
  REQUIRE(events.size() == 9);  // the last fixation is not ended: nothing comes behind it
  const Time times[] = {0, 33333, 66667, 100000, 100000, 133333, 166667, 200000, 200000};
  std::uint64_t frame = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CAPTURE(i);
    CHECK(events[i].key.time == times[i]);
    CHECK(events[i].key.sequence == i);
    if (i > 0) CHECK(events[i - 1].key < events[i].key);
    if (i == 3 || i == 7) {
      CHECK(std::get<Saccade>(events[i].event).fixation == frame / 3 - 1);
      continue;
    }
    const auto& view = std::get<View>(events[i].event);
    CHECK(view.time == times[i]);
    CHECK(view.fixation == frame / 3);
    CHECK(view.index == frame % 3);
    CHECK(view.recipe.kind == ViewKind::plain);
    CHECK(view.recipe.source == frame);
    REQUIRE(view.pixels->size() == 18);
    for (std::size_t p = 0; p < 18; ++p)
      CHECK(view.pixels->at(p) == static_cast<float>(bytes[18 * frame + p]) * byte_scale);
    ++frame;
  }
  CHECK(frame == 7);
}

TEST_CASE("raw frames: times go up at any rate") {
  for (const double rate : {0.001, 23.976, 999'999.5, 1e6}) {
    auto in = input(200);
    RawFrames stream(in, "pipe", {{1, 1, 1}, rate, 1});
    const auto events = take(stream, 1000);
    REQUIRE(events.size() == 399);
    for (std::size_t i = 1; i < events.size(); ++i) REQUIRE(events[i - 1].key < events[i].key);
  }
}

TEST_CASE("raw frames: an input that ends within a frame, or has none") {
  for (const std::size_t missing : {1, 17}) {
    auto in = input(18 * 3 - missing);
    RawFrames stream(in, "pipe", {shape, 30, 10});
    CHECK(take(stream, 2).size() == 2);
    CHECK(says(message_of<InputError>([&] { stream.next(); }),
               {"pipe", "frame 2", std::to_string(missing) + " of its 18 bytes", "2x3x3"}));
  }
  auto none = input(0);
  CHECK(says(message_of<InputError>([&] {
               RawFrames(none, "pipe", {shape, 30, 10}).next();
             }),
             {"pipe", "empty", "18"}));
}

TEST_CASE("raw frames that cannot be are refused") {
  auto in = input(18);
  const auto refusal = [&](const RawFrameOptions& options) {
    return message_of<InputError>([&] { RawFrames(in, "pipe", options); });
  };
  CHECK(refusal({shape, 30, 10}).empty());
  CHECK(says(refusal({{0, 3, 3}, 30, 10}), {"0x3x3"}));
  CHECK(says(refusal({{2, -3, 3}, 30, 10}), {"2x-3x3"}));
  CHECK(says(refusal({{2, 3, 2}, 30, 10}), {"2x3x2"}));
  CHECK(says(refusal({{99999, 99999, 3}, 30, 10}), {"99999"}));
  CHECK(says(refusal({{4096, 4096, 3}, 30, 10}), {"4096", "2^24"}));
  for (const double rate : {0.0, -1.0, 1e7, std::nan("")}) CHECK(says(refusal({shape, rate, 10}), {"frame rate"}));
  CHECK(says(refusal({shape, 30, 0}), {"fixation of 0"}));
}

TEST_CASE("raw frames do not come twice") {
  auto in = input(18 * 2);
  RawFrames stream(in, "pipe", {shape, 30, 10});
  stream.seek(0);
  stream.next();
  stream.seek(1);
  CHECK(says(message_of<InputError>([&] { stream.seek(0); }), {"pipe", "frame 0", "1 were read"}));
}
