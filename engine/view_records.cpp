#include "engine/view_records.h"

#include <algorithm>
#include <stdexcept>

namespace saccade::records {
namespace {

std::string size_text(std::uint64_t height, std::uint64_t width, std::uint64_t channels) {
  return std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(channels);
}

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

/// One factor after the other, so that no product overflows.
bool is_view_size(std::uint64_t height, std::uint64_t width, std::uint64_t channels) {
  return (channels == 1 || channels == 3) && height >= 1 && width >= 1 && height <= largest_view &&
         width <= largest_view / height && channels <= largest_view / (height * width);
}

}  // namespace

ViewFileHeader read_header(const std::filesystem::path& file, const Record& record) {
  const auto& table = verified<fb::Views>(file, record);
  if (!is_view_size(table.height(), table.width(), table.channels()))
    refuse(file, record,
           "got views of " + size_text(table.height(), table.width(), table.channels()) +
               ", expected at least a pixel, 1 or 3 channels, and at most 2^24 values");
  if (table.kind() > static_cast<std::uint8_t>(last_view_kind) || table.content() > fb::Content::MAX)
    refuse(file, record,
           "got view kind " + std::to_string(table.kind()) + " and content " +
               std::to_string(static_cast<int>(table.content())) + ", expected 0 to " +
               std::to_string(static_cast<int>(last_view_kind)) + " and 0 or 1");
  if (table.streams() < 1 || table.streams() > most_streams)
    refuse(file, record,
           "got " + std::to_string(table.streams()) + " streams, expected 1 to " + std::to_string(most_streams));
  ViewFileHeader header;
  header.height = static_cast<int>(table.height());
  header.width = static_cast<int>(table.width());
  header.channels = static_cast<int>(table.channels());
  header.kind = static_cast<ViewKind>(table.kind());
  header.content = static_cast<ViewFileHeader::Content>(table.content());
  header.source_name = text_of(table.source_name());
  header.source_size = table.source_size();
  header.source_hash = text_of(table.source_hash());
  header.description = text_of(table.description());
  header.planned = table.planned();
  header.streams = table.streams();
  return header;
}

const ViewFileHeader& checked(const ViewFileHeader& header) {
  const auto size = [](int extent) { return static_cast<std::uint64_t>(std::max(extent, 0)); };
  if (!is_view_size(size(header.height), size(header.width), size(header.channels)))
    throw std::invalid_argument("ViewFileWriter: views of " +
                                size_text(size(header.height), size(header.width), size(header.channels)));
  if (header.streams < 1 || header.streams > most_streams)
    throw std::invalid_argument("ViewFileWriter: " + std::to_string(header.streams) + " streams");
  return header;
}

flatbuffers::Offset<fb::Views> write(flatbuffers::FlatBufferBuilder& builder, const ViewFileHeader& header,
                                     std::uint64_t events) {
  const auto name = builder.CreateString(header.source_name), hash = builder.CreateString(header.source_hash),
             description = builder.CreateString(header.description);
  return fb::CreateViews(builder, static_cast<std::uint32_t>(header.height), static_cast<std::uint32_t>(header.width),
                         static_cast<std::uint32_t>(header.channels), static_cast<std::uint8_t>(header.kind),
                         static_cast<fb::Content>(header.content), name, header.source_size, hash, description,
                         header.planned, events, header.streams);
}

void check_stream(const std::filesystem::path& file, const Record& record, const ViewFileHeader& header,
                  std::uint32_t stream) {
  if (stream >= header.streams)
    refuse(file, record,
           "got stream " + std::to_string(stream) + ", expected less than " + std::to_string(header.streams) +
               ", as many as there are in the file");
}

View read_view(const std::filesystem::path& file, const Record& record, const ViewFileHeader& header, bool pixels) {
  const auto& table = verified<fb::View>(file, record);
  View view = read_view(file, record, table);
  if (view.recipe.kind != header.kind)
    refuse(file, record,
           "got view kind " + std::to_string(static_cast<int>(view.recipe.kind)) + ", expected " +
               std::to_string(static_cast<int>(header.kind)) + " as in the file's first record");
  check_stream(file, record, header, view.stream);
  const std::size_t bytes = table.pixels() == nullptr ? 0 : table.pixels()->size();
  const std::size_t floats = table.floats() == nullptr ? 0 : table.floats()->size();
  const std::size_t expected = header.content == ViewFileHeader::Content::pixels ? header.values() : 0;
  if (bytes + floats != expected || (bytes > 0 && floats > 0))
    refuse(file, record,
           "got " + std::to_string(bytes) + " bytes and " + std::to_string(floats) + " floats of pixels, expected " +
               std::to_string(expected) + " of one of them");
  if (expected == 0 || !pixels) return view;
  auto values = std::make_shared<Pixels>(expected);
  if (bytes > 0)
    std::transform(table.pixels()->begin(), table.pixels()->end(), values->begin(),
                   [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  else
    std::copy(table.floats()->begin(), table.floats()->end(), values->begin());
  view.pixels = std::move(values);
  return view;
}

}  // namespace saccade::records
