#include "streams/recorded_stream.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "engine/error.h"
#include "record_stream.h"
#include "streams/prefetch.h"
#include "streams/world/world.h"
#include "view_helpers.h"

using namespace saccade;
using namespace saccade::test;
using Content = ViewFileHeader::Content;

namespace {

std::string refusal(const std::filesystem::path& file, std::shared_ptr<const ViewSource> source) {
  return message_of<InputError>([&] { RecordedStream(file, source); });
}

/// A recording of a few events that someone made up.
std::string refusal_of(const std::vector<Event>& events) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path / "F.views";
  ViewFileWriter writer(real_files(), file, {1, 1, 1, ViewKind::plain, Content::pixels, "made up", 0, "", "", 0});
  for (const Event& event : events) writer.write(event);
  writer.close();
  return refusal(file, nullptr);
}

View view_at(Time time, std::uint64_t fixation, std::uint32_t index) {
  return {time, fixation, index, {}, std::make_shared<Pixels>(1, 0.5f)};
}

}  // namespace

TEST_CASE("a recorded stream equals its source bit for bit, for every kind of view, as recipes and as pixels") {
  const TemporaryFolder folder;
  const ImageSet large = noise_images(70, 66, 3), small = noise_images(5, 6, 3), grey = noise_images(5, 4, 1);
  StreamOptions options = small_options();
  options.views = 3;
  options.dwell = Dwell::geometric;
  int files = 0;
  const auto check = [&](const std::shared_ptr<const ViewSource>& source, ViewKind kind) {
    for (const Content content : {Content::recipes, Content::pixels}) {
      CAPTURE(to_string(kind));
      CAPTURE(to_string(content));
      const auto file = folder.path / std::to_string(files++);
      FixationStream generated(source, options);
      record(file, generated, header_of(*source, kind, content), 40);
      generated.seek(0);
      RecordedStream recorded(file, content == Content::recipes ? source : nullptr);
      CHECK(recorded.recording().views == 40);
      CHECK(recorded.recording().view_shape() == source->view_shape());
      const std::uint64_t events = recorded.recording().events;
      for (std::uint64_t i = 0; i < events; ++i) REQUIRE(same(*recorded.next(), *generated.next()));
      CHECK(!recorded.next());
      CHECK(!recorded.next());
    }
  };
  for (int k = 0; k < static_cast<int>(ViewKind::world); ++k) {
    const auto kind = static_cast<ViewKind>(k);
    for (const ImageSet* images : {&small, &grey, &large}) {
      const bool colour = kind == ViewKind::affine_hsv || kind == ViewKind::crop_jitter;
      if (cuts(kind) != (images == &large) || (colour && images->channels == 1)) continue;
      check(std::make_shared<DeformedImages>(*images, kind, options.seed), kind);
    }
  }
  static_assert(last_view_kind == ViewKind::world);
  World::Options world;
  world.size = 16;
  world.objects = 20;
  for (const bool trajectory : {false, true}) {
    world.trajectory = trajectory;
    check(std::make_shared<World>(world), last_view_kind);
  }
}

TEST_CASE("a recorded stream seeks like its source, also behind threads") {
  const TemporaryFolder folder;
  for (const Content content : {Content::recipes, Content::pixels}) {
    constexpr std::uint64_t views = 701;
    const SmallRecording small(folder.path / to_string(content), content, views);
    RecordedStream recorded(small.file, small.source);
    PrefetchedStream ahead(std::make_unique<RecordedStream>(small.file, small.source), 2, 4);
    auto generated = small.fresh();
    for (const std::uint64_t view : {0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 3, 700, 701}) {
      CAPTURE(view);
      for (Stream* stream : {static_cast<Stream*>(&recorded), static_cast<Stream*>(&ahead)}) {
        generated.seek(view);
        stream->seek(view);
        for (std::uint64_t seen = view; seen < std::min(view + 20, views);) {
          const auto event = generated.next();
          REQUIRE(same(*stream->next(), *event));
          seen += std::holds_alternative<View>(event->event);
        }
        if (view + 20 >= views) CHECK(!stream->next());
      }
    }
    recorded.seek(10);
    CHECK(says(message_of<InputError>([&] { recorded.seek(702); }), {small.file.string(), "702", "701"}));
    generated.seek(10);
    CHECK(same(*recorded.next(), *generated.next()));  // a refused seek changes nothing
  }
}

TEST_CASE("the hash of a recording is that of its content") {
  const TemporaryFolder folder;
  const SmallRecording one(folder.path / "one", Content::pixels), same(folder.path / "same", Content::pixels),
      more(folder.path / "more", Content::pixels, 10);
  const auto hash = [](const SmallRecording& of) { return RecordedStream(of.file).recording().hash; };
  CHECK(hash(one) == hash(same));
  CHECK(hash(one) != hash(more));
  const Recording recording = RecordedStream(one.file).recording();
  CHECK(recording.fixations == 5);
  CHECK(recording.events == 13);
  CHECK(recording.first == 0);
  CHECK(recording.last == 1'200'000);
}

TEST_CASE("a recording that is cut at any byte, or has any bit flipped, is refused") {
  const TemporaryFolder folder;
  for (const Content content : {Content::recipes, Content::pixels}) {
    const SmallRecording small(folder.path / to_string(content), content);
    const Bytes whole = bytes_of(small.file);
    const auto damaged = folder.path / "damaged";
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      write_file(damaged, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      const std::string message = refusal(damaged, small.source);
      REQUIRE(says(message, {damaged.string()}));
      if (size >= 32 + 16 && message.find("type 4") == std::string::npos) REQUIRE(says(message, {"--recover"}));
    }
    for (std::size_t bit = 0; bit < 8 * whole.size(); bit += 3) {
      CAPTURE(bit);
      Bytes flipped = whole;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      write_file(damaged, flipped);
      REQUIRE(says(refusal(damaged, small.source), {damaged.string()}));
    }
    write_file(damaged, whole);
    CHECK(refusal(damaged, small.source).empty());
  }
}

TEST_CASE("a file that loses its end while it is read is noticed") {
  const TemporaryFolder folder;
  const SmallRecording large(folder.path / "F.views", Content::pixels, 6000);
  RecordedStream stream(large.file);
  REQUIRE(std::filesystem::file_size(large.file) > 1'500'000);  // more than is read at once
  std::filesystem::resize_file(large.file, 40);
  CHECK(says(message_of<InputError>([&] { take(stream, 20000); }), {large.file.string()}));
}

TEST_CASE("recipes are rendered by the source that they were recorded from, and by no other") {
  const TemporaryFolder folder;
  const SmallRecording small(folder.path / "F.views", Content::recipes);
  const auto with = [&](const std::function<void(ImageSet&)>& change) {
    ImageSet images = small.images;
    change(images);
    return refusal(small.file, std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, 1));
  };
  CHECK(with([](ImageSet&) {}).empty());
  CHECK(with([](ImageSet& i) { i.name = "other"; }).empty());  // the same images under another name
  CHECK(says(with([](ImageSet& i) { i.pixels.resize(60 * 5); }), {"F.views", "small with 7", "small with 5"}));
  CHECK(says(with([](ImageSet& i) { i.pixels[100] ^= 1; }), {"F.views", "another", "hash"}));
  CHECK(says(with([](ImageSet& i) { std::swap(i.height, i.width); }), {"F.views", "another", "hash"}));
  CHECK(says(refusal(small.file, nullptr), {"F.views", "recipes", "small"}));
}

TEST_CASE("a recipe that is not its source's is refused before anyone uses it") {
  const TemporaryFolder folder;
  const SmallRecording small(folder.path / "F.views", Content::recipes);
  const auto with = [&](const std::function<void(ViewRecipe&)>& change) {
    const auto file = folder.path / "changed";
    std::filesystem::remove(file);
    ViewFileWriter writer(real_files(), file, header_of(*small.source, ViewKind::affine_hsv, Content::recipes));
    auto stream = small.fresh();
    for (int i = 0; i < 5; ++i) {
      auto event = stream.next_recipe();
      if (auto* view = std::get_if<View>(&event->event); view && i == 4) change(view->recipe);
      writer.write(event->event);
    }
    writer.close();
    return refusal(file, small.source);
  };
  CHECK(with([](ViewRecipe&) {}).empty());
  CHECK(says(with([](ViewRecipe& r) { r.source = 7; }), {"changed", "position", "image 7", "7 images"}));
  CHECK(says(with([](ViewRecipe& r) { r.parameters[0] = 1e9f; }), {"changed", "parameter 0", "1e6"}));
  CHECK(says(with([](ViewRecipe& r) { r.parameters[recipe::hue] = std::nanf(""); }), {"changed", "parameter 7"}));
}

TEST_CASE("events that are no stream are refused") {
  CHECK(refusal_of({view_at(0, 0, 0), view_at(1, 0, 1), Saccade{2, 0}, view_at(2, 1, 0)}).empty());
  CHECK(refusal_of({view_at(0, 4, 2), view_at(1, 4, 5), Saccade{2, 4}, view_at(2, 9, 1)}).empty());  // a part of one
  CHECK(says(refusal_of({}), {"F.views", "no views"}));
  CHECK(says(refusal_of({view_at(-1, 0, 0)}), {"event 0", "-1e-06 s", "from 0"}));
  CHECK(says(refusal_of({Saccade{0, 0}, view_at(0, 1, 0)}), {"event 0", "saccade", "expected a view"}));
  CHECK(says(refusal_of({view_at(5, 0, 0), view_at(4, 0, 1)}), {"event 1", "one after 5e-06 s"}));
  CHECK(says(refusal_of({view_at(5, 0, 0), Saccade{5, 0}}), {"event 1", "one after"}));  // the saccade would come first
  CHECK(says(refusal_of({view_at(0, 0, 0), view_at(1, 1, 0)}), {"event 1", "a saccade first"}));
  CHECK(says(refusal_of({view_at(0, 0, 1), view_at(1, 0, 1)}), {"event 1", "after view 1"}));
  CHECK(says(refusal_of({view_at(0, 0, 0), Saccade{1, 1}}), {"event 1", "end of fixation 0"}));
  CHECK(says(refusal_of({view_at(0, 3, 0), Saccade{1, 3}, view_at(1, 3, 0)}), {"event 2", "a fixation after 3"}));
  CHECK(says(refusal_of({view_at(0, 0, 0), Saccade{1, 0}, Saccade{2, 1}}), {"event 2", "expected a view"}));
}
