#include "engine/view_file.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "engine/view_records.h"

namespace saccade {
namespace {

constexpr std::string_view views_kind = "views";

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
      header_(records::checked(header)),
      writer_(RecordWriter::create(files, partial_name(file), views_kind)),
      encoder_(std::make_unique<Encoder>()) {
  write_header(records::header_record);
}

ViewFileWriter::ViewFileWriter(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header,
                               std::uint64_t position, std::uint64_t events)
    : files_(files),
      file_(file),
      header_(records::checked(header)),
      writer_(RecordWriter::resume(files, partial_name(file), views_kind, position)),
      encoder_(std::make_unique<Encoder>()),
      events_(events) {}

ViewFileWriter::ViewFileWriter(ViewFileWriter&&) noexcept = default;
ViewFileWriter::~ViewFileWriter() = default;

std::filesystem::path ViewFileWriter::partial() const { return partial_name(file_); }

void ViewFileWriter::write_header(std::uint32_t type) {
  records::append(writer_, static_cast<records::Type>(type), encoder_->builder,
                  records::write(encoder_->builder, header_, events_));
}

void ViewFileWriter::name(std::uint32_t stream, const std::string& name) {
  auto& builder = encoder_->builder;
  const auto text = builder.CreateString(name);
  records::append(writer_, records::name_record, builder, fb::CreateStreamName(builder, stream, text));
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
  header_ = records::read_header(file, *record);
  reader_.seek(record_file_header_bytes);
}

std::optional<Event> ViewFileReader::next(Read read) {
  while (const auto record = reader_.next()) {
    record_ = *record;
    if (record->type != records::end_record) end_ = reader_.end();
    switch (record->type) {
      case records::view_record:
        return records::read_view(file_, record_, header_, read == Read::pixels);
      case records::saccade_record: {
        const Saccade saccade = records::read_saccade(file_, record_);
        records::check_stream(file_, record_, header_, saccade.stream);
        return saccade;
      }
      case records::name_record: {
        const auto& table = records::verified<fb::StreamName>(file_, record_);
        records::check_stream(file_, record_, header_, table.stream());
        names_.resize(std::max<std::size_t>(names_.size(), table.stream() + std::size_t{1}));
        names_[table.stream()] = table.name() == nullptr ? std::string() : table.name()->str();
        break;
      }
      case records::end_record:
        promised_ = records::verified<fb::Views>(file_, record_).events();
        [[fallthrough]];
      case records::header_record:
        if (records::read_header(file_, record_) != header_)
          records::refuse(file_, record_, "says other things of the views than the first record that does");
        break;
      default:
        records::refuse(file_, record_,
                        "got record type " + std::to_string(record->type) +
                            ", expected 1 (view), 2 (saccade), 4 or 5 (what the file holds), 6 (a stream's name)");
    }
  }
  return std::nullopt;
}

}  // namespace saccade
