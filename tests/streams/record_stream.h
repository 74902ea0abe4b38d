#pragma once
#include <filesystem>

#include "engine/view_file.h"
#include "same_events.h"
#include "streams/recorded_stream.h"

namespace saccade::test {

/// What a recording of this source says of itself.
inline ViewFileHeader header_of(const ViewSource& source, ViewKind kind, ViewFileHeader::Content content) {
  const ViewShape shape = source.view_shape();
  return {shape.height,  shape.width,   shape.channels, kind,     content,
          source.name(), source.size(), source.hash(),  "a test", 0};
}

inline void record(const std::filesystem::path& file, Stream& stream, const ViewFileHeader& header,
                   std::uint64_t views) {
  ViewFileWriter writer(real_files(), file, header);
  for (std::uint64_t seen = 0; seen < views;) {
    const auto event = stream.next();
    if (!event) break;
    writer.write(event->event);
    seen += std::holds_alternative<View>(event->event);
  }
  writer.close();
}

/// A small recording of `small_images(7)`, affine_hsv, and what it was made from.
struct SmallRecording {
  explicit SmallRecording(const std::filesystem::path& to, ViewFileHeader::Content content, std::uint64_t views = 9)
      : file(to) {
    auto stream = fresh();
    record(file, stream, header_of(*source, ViewKind::affine_hsv, content), views);
  }
  FixationStream fresh() const { return {source, small_options()}; }

  std::filesystem::path file;
  ImageSet images = small_images(7);
  std::shared_ptr<const ViewSource> source =
      std::make_shared<DeformedImages>(images, ViewKind::affine_hsv, small_options().seed);
};

inline Bytes bytes_of(const std::filesystem::path& file) { return real_files().read_all(file, std::size_t{1} << 24); }

}  // namespace saccade::test
