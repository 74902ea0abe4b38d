#include "engine/view_file.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "engine/event_records.h"
#include "engine/schemas/views_generated.h"

namespace saccade {
namespace {

constexpr std::string_view views_kind = "views";

std::string size_text(std::uint64_t height, std::uint64_t width, std::uint64_t channels) {
  return std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(channels);
}

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string() : text->str(); }

/// One factor after the other, so that no product overflows.
bool is_view_size(std::uint64_t height, std::uint64_t width, std::uint64_t channels) {
  return (channels == 1 || channels == 3) && height >= 1 && width >= 1 && height <= largest_view &&
         width <= largest_view / height && channels <= largest_view / (height * width);
}

ViewFileHeader read_header(const std::filesystem::path& file, const Record& record) {
  const auto& table = records::verified<fb::Views>(file, record);
  if (!is_view_size(table.height(), table.width(), table.channels()))
    records::refuse(file, record,
                    "got views of " + size_text(table.height(), table.width(), table.channels()) +
                        ", expected at least a pixel, 1 or 3 channels, and at most 2^24 values");
  if (table.kind() > static_cast<std::uint8_t>(last_view_kind) || table.content() > fb::Content::MAX)
    records::refuse(file, record,
                    "got view kind " + std::to_string(table.kind()) + " and content " +
                        std::to_string(static_cast<int>(table.content())) + ", expected 0 to " +
                        std::to_string(static_cast<int>(last_view_kind)) + " and 0 or 1");
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
  return header;
}

const ViewFileHeader& checked(const ViewFileHeader& header) {
  const auto size = [](int extent) { return static_cast<std::uint64_t>(std::max(extent, 0)); };
  if (!is_view_size(size(header.height), size(header.width), size(header.channels)))
    throw std::invalid_argument("ViewFileWriter: views of " +
                                size_text(size(header.height), size(header.width), size(header.channels)));
  return header;
}

std::filesystem::path partial_name(std::filesystem::path file) { return file += ".partial"; }

const std::filesystem::path& unused(FileSystem& files, const std::filesystem::path& file) {
  if (files.exists(file)) throw InputError(file.string() + ": exists already; remove it or choose another name");
  if (files.exists(partial_name(file)))
    throw InputError(partial_name(file).string() +
                     ": is left from a recording that was ended; recover it (saccade inspect --recover) or remove it");
  return file;
}

}  // namespace

std::string to_string(ViewFileHeader::Content content) {
  return content == ViewFileHeader::Content::recipes ? "recipes" : "pixels";
}

struct ViewFileWriter::Encoder {
  flatbuffers::FlatBufferBuilder builder;
};

ViewFileWriter::ViewFileWriter(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header)
    : files_(files),
      file_(unused(files, file)),
      header_(checked(header)),
      writer_(RecordWriter::create(files, partial_name(file), views_kind)),
      encoder_(std::make_unique<Encoder>()) {
  write_header(records::header_record);
}

ViewFileWriter::~ViewFileWriter() = default;

std::filesystem::path ViewFileWriter::partial() const { return partial_name(file_); }

void ViewFileWriter::write_header(std::uint32_t type) {
  auto& builder = encoder_->builder;
  const auto name = builder.CreateString(header_.source_name), hash = builder.CreateString(header_.source_hash),
             description = builder.CreateString(header_.description);
  records::append(
      writer_, static_cast<records::Type>(type), builder,
      fb::CreateViews(builder, static_cast<std::uint32_t>(header_.height), static_cast<std::uint32_t>(header_.width),
                      static_cast<std::uint32_t>(header_.channels), static_cast<std::uint8_t>(header_.kind),
                      static_cast<fb::Content>(header_.content), name, header_.source_size, hash, description,
                      header_.planned, events_));
}

void ViewFileWriter::write(const Event& event) {
  auto& builder = encoder_->builder;
  if (const auto* saccade = std::get_if<Saccade>(&event)) {
    records::append(writer_, records::saccade_record, builder, records::write(builder, *saccade));
  } else {
    const auto& view = std::get<View>(event);
    const bool pixels = header_.content == ViewFileHeader::Content::pixels;
    if (view.recipe.kind != header_.kind) throw std::invalid_argument("ViewFileWriter: a view of another kind");
    if (pixels && (!view.pixels || view.pixels->size() != header_.values()))
      throw std::invalid_argument("ViewFileWriter: a view of " + std::to_string(view.pixels ? view.pixels->size() : 0) +
                                  " values, expected " + std::to_string(header_.values()));
    records::append(writer_, records::view_record, builder,
                    records::write(builder, view, pixels ? records::With::pixels : records::With::recipe));
  }
  ++events_;
}

void ViewFileWriter::close() {
  write_header(records::end_record);
  writer_.sync();
  writer_.close();
  files_.rename(partial(), file_);
  files_.sync_directory(file_.parent_path());
}

ViewFileReader::ViewFileReader(FileSystem& files, const std::filesystem::path& file)
    : file_(file), reader_(files, file, views_kind) {
  std::optional<Record> record;
  do record = reader_.next();
  while (record && record->type != records::header_record && record->type != records::end_record);
  if (!record)
    throw InputError(file.string() + ": none of its records says what it holds, expected one of type 4 at position " +
                     std::to_string(record_file_header_bytes));
  header_ = read_header(file, *record);
  reader_.seek(record_file_header_bytes);
}

std::optional<Event> ViewFileReader::next(Read read) {
  while (const auto record = reader_.next()) {
    record_ = *record;
    switch (record->type) {
      case records::view_record:
        return read_view(read);
      case records::saccade_record:
        return records::read_saccade(file_, record_);
      case records::end_record:
        promised_ = records::verified<fb::Views>(file_, record_).events();
        [[fallthrough]];
      case records::header_record:
        if (read_header(file_, record_) != header_)
          records::refuse(file_, record_, "says other things of the views than the first record that does");
        break;
      default:
        records::refuse(file_, record_,
                        "got record type " + std::to_string(record->type) +
                            ", expected 1 (view), 2 (saccade), 4 or 5 (what the file holds)");
    }
  }
  return std::nullopt;
}

View ViewFileReader::read_view(Read read) const {
  const auto& table = records::verified<fb::View>(file_, record_);
  View view = records::read_view(file_, record_, table);
  if (view.recipe.kind != header_.kind)
    records::refuse(file_, record_,
                    "got view kind " + std::to_string(static_cast<int>(view.recipe.kind)) + ", expected " +
                        std::to_string(static_cast<int>(header_.kind)) + " as in the file's first record");
  const std::size_t bytes = table.pixels() == nullptr ? 0 : table.pixels()->size();
  const std::size_t floats = table.floats() == nullptr ? 0 : table.floats()->size();
  const std::size_t expected = header_.content == ViewFileHeader::Content::pixels ? header_.values() : 0;
  if (bytes + floats != expected || (bytes > 0 && floats > 0))
    records::refuse(file_, record_,
                    "got " + std::to_string(bytes) + " bytes and " + std::to_string(floats) +
                        " floats of pixels, expected " + std::to_string(expected) + " of one of them");
  if (expected == 0 || read == Read::recipes) return view;
  auto pixels = std::make_shared<Pixels>(expected);
  if (bytes > 0)
    std::transform(table.pixels()->begin(), table.pixels()->end(), pixels->begin(),
                   [](std::uint8_t byte) { return static_cast<float>(byte) * byte_scale; });
  else
    std::copy(table.floats()->begin(), table.floats()->end(), pixels->begin());
  view.pixels = std::move(pixels);
  return view;
}

}  // namespace saccade
