#include "engine/view_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "engine/schemas/views_generated.h"
#include "tests/engine/faulty_file_system.h"

namespace {

using namespace saccade;
using saccade::testing::Crash;
using saccade::testing::FaultyFileSystem;
using Content = ViewFileHeader::Content;
using Builder = flatbuffers::FlatBufferBuilder;

const std::filesystem::path file = "run/F.views";

ViewFileHeader pixels_header() { return {2, 1, 3, ViewKind::affine, Content::pixels, "made", 0, "", "up", 5}; }

View view_of(const Pixels& pixels) {
  return {7, 1, 2, {ViewKind::affine, 3, {1, 2, 3}}, std::make_shared<Pixels>(pixels)};
}

bool same_bits(const Pixels& a, const Pixels& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

/// Size of the file of one view with these pixels, which are read back to the bit.
std::uint64_t file_size(const Pixels& pixels) {
  FaultyFileSystem files;
  ViewFileWriter writer(files, file, pixels_header());
  writer.write(view_of(pixels));
  writer.close();
  ViewFileReader reader(files, file);
  CHECK(reader.header() == pixels_header());
  const View view = std::get<View>(*reader.next());
  CHECK(view.time == 7);
  CHECK(view.fixation == 1);
  CHECK(view.index == 2);
  CHECK(view.recipe.source == 3);
  CHECK(view.recipe.parameters == std::array<float, 12>{1, 2, 3});
  CHECK(same_bits(*view.pixels, pixels));
  CHECK(!reader.promised());
  CHECK(!reader.next());
  CHECK(reader.promised() == 1);
  return files.size(file);
}

/// What the reader says to a file of these records.
struct MadeUp {
  template <class Table>
  void add(std::uint32_t type, Builder& builder, flatbuffers::Offset<Table> root) {
    builder.Finish(root);
    writer.append(type, {builder.GetBufferPointer(), builder.GetSize()});
  }
  /// A header of pixels of 2x1x3 but for what is given.
  void header(std::uint32_t height = 2, std::uint32_t width = 1, std::uint32_t channels = 3, std::uint8_t kind = 2,
              int content = 1, std::uint32_t type = 4) {
    Builder builder;
    add(type, builder,
        fb::CreateViews(builder, height, width, channels, kind, static_cast<fb::Content>(content), 0, 0, 0, 0, 0, 0));
  }
  void view(std::size_t parameters, std::size_t bytes, std::size_t floats, std::uint8_t kind = 2) {
    Builder builder;
    const auto p = builder.CreateVector(std::vector<float>(parameters));
    const auto b = builder.CreateVector(std::vector<std::uint8_t>(bytes));
    const auto f = builder.CreateVector(std::vector<float>(floats));
    add(1, builder, fb::CreateView(builder, 0, 0, 0, kind, 0, p, b, f));
  }
  std::string refusal() {
    writer.flush();
    try {
      ViewFileReader reader(files, file);
      while (reader.next()) {
      }
    } catch (const InputError& error) {
      return error.what();
    }
    return {};
  }

  FaultyFileSystem files;
  RecordWriter writer = RecordWriter::create(files, file, "views");
};

bool says(const std::string& message, const std::string& part) {
  return message.starts_with("run/F.views: ") && message.find(part) != std::string::npos;
}

TEST_CASE("pixels come back to the bit, as bytes where these say all") {
  Pixels all_bytes(6);
  std::uint64_t small = 0;
  for (int first = 0; first < 256; first += 6) {
    for (int i = 0; i < 6; ++i)
      all_bytes[static_cast<std::size_t>(i)] = static_cast<float>(std::min(first + i, 255)) * byte_scale;
    small = file_size(all_bytes);
  }
  for (const float other : {-0.0f, 0.5f, 1.0f + 1e-7f, -1.0f, 3e38f, std::nextafter(byte_scale, 1.0f),
                            std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::denorm_min()}) {
    Pixels pixels = all_bytes;
    pixels[4] = other;
    CAPTURE(other);
    CHECK(file_size(pixels) == small + 16);  // 24 bytes for 6, each padded to a multiple of 8 with its length
  }
}

TEST_CASE("a file of recipes has no pixels, and a reader of recipes skips them") {
  FaultyFileSystem files;
  ViewFileHeader header = pixels_header();
  header.content = Content::recipes;
  header.source_size = 10;
  header.source_hash = "abc";
  ViewFileWriter writer(files, file, header);
  writer.write(view_of(Pixels(6, 0.5f)));
  writer.write(Saccade{8, 1});
  writer.close();
  ViewFileReader reader(files, file);
  CHECK(reader.header() == header);
  CHECK(std::get<View>(*reader.next()).pixels == nullptr);
  const Saccade saccade = std::get<Saccade>(*reader.next());
  CHECK(saccade.time == 8);
  CHECK(saccade.fixation == 1);
  CHECK(!reader.next());
  CHECK(reader.promised() == 2);
}

TEST_CASE("a file has its name only when it is whole; nothing is overwritten") {
  FaultyFileSystem files;
  {
    ViewFileWriter writer(files, file, pixels_header());
    writer.write(view_of(Pixels(6)));
    writer.flush();
    CHECK(!files.exists(file));
    CHECK(files.exists("run/F.views.partial"));
  }
  const auto refusal = [&] {
    try {
      ViewFileWriter(files, file, pixels_header());
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal().starts_with("run/F.views.partial: "));
  files.remove("run/F.views.partial");
  ViewFileWriter(files, file, pixels_header()).close();
  CHECK(files.exists(file));
  CHECK(!files.exists("run/F.views.partial"));
  CHECK(says(refusal(), "exists already"));
}

TEST_CASE("a crash at any moment leaves no file of that name, or all of it") {
  const auto write = [](FileSystem& files) {
    ViewFileWriter writer(files, file, pixels_header());
    for (int i = 0; i < 3; ++i) {
      writer.write(view_of(Pixels(6, static_cast<float>(i))));
      writer.flush();
    }
    writer.close();
  };
  FaultyFileSystem counted;
  write(counted);
  int whole = 0;
  for (int crash_at = 1; crash_at <= counted.operations; ++crash_at) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(crash_at);
      CAPTURE(seed);
      FaultyFileSystem files(seed);
      files.crash_at = crash_at;
      CHECK_THROWS_AS(write(files), Crash);
      files.restart();
      if (!files.exists(file)) continue;
      ++whole;
      ViewFileReader reader(files, file);
      int views = 0;
      while (reader.next()) ++views;
      CHECK(views == 3);
      CHECK(reader.damage().empty());
      CHECK(reader.promised() == 3);
    }
  }
  CHECK(whole > 0);
}

TEST_CASE("the last record stands in for a damaged first one") {
  FaultyFileSystem files;
  ViewFileWriter writer(files, file, pixels_header());
  writer.write(view_of(Pixels(6)));
  writer.close();
  files.bytes(file)[60] ^= 1;
  ViewFileReader reader(files, file);
  CHECK(reader.header() == pixels_header());
  CHECK(reader.next());
  CHECK(!reader.next());
  REQUIRE(reader.damage().size() == 1);
  CHECK(reader.damage()[0].position == record_file_header_bytes);
}

TEST_CASE("records that are whole and still wrong are refused, before anything is allocated") {
  const auto header = [](auto... fields) {
    MadeUp made;
    made.header(fields...);
    return made.refusal();
  };
  constexpr std::uint32_t most = 0xffffffff;
  CHECK(header().empty());
  CHECK(header(4096u, 4096u, 1u).empty());
  for (const auto& [height, width, channels] :
       {std::array{0u, 1u, 3u}, std::array{1u, 0u, 3u}, std::array{1u, 1u, 0u}, std::array{1u, 1u, 2u},
        std::array{4096u, 4096u, 3u}, std::array{most, most, 3u}, std::array{most, 1u, 1u}, std::array{1u, most, 1u},
        std::array{65536u, 65536u, 1u}, std::array{1u, 1u, most}})
    CHECK(says(header(height, width, channels), "position 32: got views of"));
  CHECK(says(header(2u, 1u, 3u, std::uint8_t{9}), "view kind 9"));
  CHECK(says(header(2u, 1u, 3u, std::uint8_t{2}, 2), "content 2"));
  CHECK(says(MadeUp().refusal(), "none of its records"));

  const auto view = [](auto... fields) {
    MadeUp made;
    made.header();
    made.view(fields...);
    return made.refusal();
  };
  CHECK(view(12u, 6u, 0u).empty());
  CHECK(view(12u, 0u, 6u).empty());
  for (const auto& [bytes, floats] : {std::array{0u, 0u}, std::array{5u, 0u}, std::array{7u, 0u}, std::array{6u, 6u},
                                      std::array{3u, 3u}, std::array{0u, 12u}, std::array{100'000u, 0u}})
    CHECK(says(view(12u, bytes, floats), std::to_string(bytes) + " bytes and " + std::to_string(floats)));
  CHECK(says(view(11u, 6u, 0u), "11 view parameters"));
  CHECK(says(view(0u, 6u, 0u), "0 view parameters"));
  CHECK(says(view(12u, 6u, 0u, std::uint8_t{0}), "view kind 0, expected 2"));
  CHECK(says(view(12u, 6u, 0u, std::uint8_t{255}), "view kind 255"));

  MadeUp contradicting;
  contradicting.header();
  contradicting.header(3u, 1u, 3u, std::uint8_t{2}, 1, 5);
  CHECK(says(contradicting.refusal(), "says other things"));
  MadeUp unknown;
  unknown.header();
  unknown.view(12u, 6u, 0u);
  unknown.writer.append(3, {});
  CHECK(says(unknown.refusal(), "got record type 3"));
}

TEST_CASE("payloads of noise are refused, never followed") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 3000; ++i) {
    MadeUp made;
    made.header();
    std::vector<std::uint8_t> noise(random() % 200);
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 8);
    made.writer.append(static_cast<std::uint32_t>(random() % 6), noise);
    REQUIRE(!made.refusal().empty());
  }
}

TEST_CASE("a valid payload with any bit flipped is read or refused") {
  Builder builder;
  const auto p = builder.CreateVector(std::vector<float>(12)), f = builder.CreateVector(std::vector<float>(6));
  builder.Finish(fb::CreateView(builder, 1, 2, 3, 2, 4, p, 0, f));
  const std::vector<std::uint8_t> whole(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::vector<std::uint8_t> flipped = whole;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    MadeUp made;
    made.header();
    made.writer.append(1, flipped);
    refused += !made.refusal().empty();
  }
  CHECK(refused > 100);
}

TEST_CASE("misuse of the writer") {
  FaultyFileSystem files;
  ViewFileHeader none = pixels_header();
  none.height = 0;
  CHECK_THROWS_AS(ViewFileWriter(files, file, none), std::invalid_argument);
  CHECK(!files.exists("run/F.views.partial"));
  ViewFileWriter writer(files, file, pixels_header());
  CHECK_THROWS_AS(writer.write(view_of(Pixels(5))), std::invalid_argument);
  View bare = view_of({});
  bare.pixels = nullptr;
  CHECK_THROWS_AS(writer.write(bare), std::invalid_argument);
  View other = view_of(Pixels(6));
  other.recipe.kind = ViewKind::plain;
  CHECK_THROWS_AS(writer.write(other), std::invalid_argument);
}

}  // namespace
