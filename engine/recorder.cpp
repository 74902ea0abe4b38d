#include "engine/recorder.h"

#include <string>

#include "engine/event_records.h"

namespace saccade {
namespace {

constexpr std::string_view trace_kind = "trace";

}  // namespace

/// One builder for all records, so that recording does not allocate once it is warm.
struct Recorder::Encoder {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<fb::Term> terms;
};

Recorder::Recorder(FileSystem& files, const std::filesystem::path& file)
    : writer_(RecordWriter::create(files, file, trace_kind)), encoder_(std::make_unique<Encoder>()) {}

Recorder::Recorder(FileSystem& files, const std::filesystem::path& file, std::uint64_t position)
    : writer_(RecordWriter::resume(files, file, trace_kind, position)), encoder_(std::make_unique<Encoder>()) {}

Recorder::~Recorder() = default;

void Recorder::view(const View& view) {
  auto& builder = encoder_->builder;
  records::append(writer_, records::view_record, builder, records::write(builder, view, records::With::recipe));
}

void Recorder::saccade(const Saccade& saccade) {
  auto& builder = encoder_->builder;
  records::append(writer_, records::saccade_record, builder, records::write(builder, saccade));
}

void Recorder::update(const UpdateRecord& update) {
  auto& builder = encoder_->builder;
  records::append(writer_, records::update_record, builder, records::write(builder, update, encoder_->terms));
}

std::uint64_t Recorder::position() const { return writer_.position(); }
void Recorder::flush() { writer_.flush(); }
void Recorder::sync() { writer_.sync(); }
void Recorder::close() { writer_.close(); }

TraceReader::TraceReader(FileSystem& files, const std::filesystem::path& file)
    : file_(file), reader_(files, file, trace_kind) {}

std::optional<TraceRecord> TraceReader::next() {
  const auto record = reader_.next();
  if (!record) return std::nullopt;
  switch (record->type) {
    case records::view_record:
      return records::read_view(file_, *record, records::verified<fb::View>(file_, *record));
    case records::saccade_record:
      return records::read_saccade(file_, *record);
    case records::update_record:
      return records::read_update(file_, *record, records::verified<fb::Update>(file_, *record));
    default:
      records::refuse(
          file_, *record,
          "got record type " + std::to_string(record->type) + ", expected 1 (view), 2 (saccade) or 3 (update)");
  }
}

}  // namespace saccade
