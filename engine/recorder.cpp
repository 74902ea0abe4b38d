#include "engine/recorder.h"

#include <algorithm>
#include <string>

#include "engine/error.h"
#include "engine/schemas/trace_generated.h"

namespace saccade {
namespace {

constexpr std::string_view trace_kind = "trace";
enum RecordType : std::uint32_t { view_record = 1, saccade_record = 2, update_record = 3 };

[[noreturn]] void refuse(const std::filesystem::path& file, const Record& record, const std::string& what) {
  throw InputError(file.string() + ": position " + std::to_string(record.position) + ": " + what);
}

template <class Table>
const Table& verified(const std::filesystem::path& file, const Record& record) {
  flatbuffers::Verifier verifier(record.payload.data(), record.payload.size());
  if (!verifier.VerifyBuffer<Table>(nullptr)) {
    refuse(file, record, "record type " + std::to_string(record.type) + ": its payload is not valid");
  }
  return *flatbuffers::GetRoot<Table>(record.payload.data());
}

View read_view(const std::filesystem::path& file, const Record& record) {
  const auto& table = verified<fb::View>(file, record);
  View view;
  view.time = table.time();
  view.fixation = table.fixation();
  view.index = table.index();
  if (table.kind() > static_cast<std::uint8_t>(ViewKind::affine)) {
    refuse(file, record, "got view kind " + std::to_string(table.kind()) + ", expected 0 to 2");
  }
  view.recipe.kind = static_cast<ViewKind>(table.kind());
  view.recipe.source = table.source();
  const auto* parameters = table.parameters();
  const std::size_t count = parameters == nullptr ? 0 : parameters->size();
  if (count != view.recipe.parameters.size()) {
    refuse(
        file, record,
        "got " + std::to_string(count) + " view parameters, expected " + std::to_string(view.recipe.parameters.size()));
  }
  std::copy(parameters->begin(), parameters->end(), view.recipe.parameters.begin());
  return view;
}

Saccade read_saccade(const std::filesystem::path& file, const Record& record) {
  const auto& table = verified<fb::Saccade>(file, record);
  return {table.time(), table.fixation()};
}

UpdateRecord read_update(const std::filesystem::path& file, const Record& record) {
  const auto& table = verified<fb::Update>(file, record);
  if (table.role() > fb::Role::MAX) {
    refuse(file, record, "got role " + std::to_string(static_cast<int>(table.role())) + ", expected 0 to 2");
  }
  UpdateRecord update{
      table.event(), table.time(), table.fixation(), static_cast<ViewRole>(table.role()), table.layer(), {}};
  if (table.terms() == nullptr) return update;
  update.terms.reserve(table.terms()->size());
  for (const fb::Term* term : *table.terms()) {
    update.terms.push_back({term->positive(), term->distance(), term->loss(), term->active(), term->age_us(),
                            term->staleness(), term->slot()});
  }
  return update;
}

}  // namespace

/// One builder for all records, so that recording does not allocate once it is warm.
struct Recorder::Encoder {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<fb::Term> terms;

  template <class Table>
  void append(RecordWriter& writer, RecordType type, flatbuffers::Offset<Table> root) {
    builder.Finish(root);
    writer.append(type, {builder.GetBufferPointer(), builder.GetSize()});
    builder.Clear();
  }
};

Recorder::Recorder(FileSystem& files, const std::filesystem::path& file)
    : writer_(RecordWriter::create(files, file, trace_kind)), encoder_(std::make_unique<Encoder>()) {}

Recorder::Recorder(FileSystem& files, const std::filesystem::path& file, std::uint64_t position)
    : writer_(RecordWriter::resume(files, file, trace_kind, position)), encoder_(std::make_unique<Encoder>()) {}

Recorder::~Recorder() = default;

void Recorder::view(const View& view) {
  auto& builder = encoder_->builder;
  const auto parameters = builder.CreateVector(view.recipe.parameters.data(), view.recipe.parameters.size());
  encoder_->append(writer_, view_record,
                   fb::CreateView(builder, view.time, view.fixation, view.index,
                                  static_cast<std::uint8_t>(view.recipe.kind), view.recipe.source, parameters));
}

void Recorder::saccade(const Saccade& saccade) {
  encoder_->append(writer_, saccade_record, fb::CreateSaccade(encoder_->builder, saccade.time, saccade.fixation));
}

void Recorder::update(const UpdateRecord& update) {
  auto& builder = encoder_->builder;
  auto& terms = encoder_->terms;
  terms.clear();
  for (const UpdateTerm& term : update.terms) {
    terms.emplace_back(term.age_us, term.staleness, term.slot, term.distance, term.loss, term.positive, term.active);
  }
  const auto vector = builder.CreateVectorOfStructs(terms);
  encoder_->append(writer_, update_record,
                   fb::CreateUpdate(builder, update.event, update.time, update.fixation,
                                    static_cast<fb::Role>(update.role), update.layer, vector));
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
    case view_record:
      return read_view(file_, *record);
    case saccade_record:
      return read_saccade(file_, *record);
    case update_record:
      return read_update(file_, *record);
    default:
      refuse(file_, *record,
             "got record type " + std::to_string(record->type) + ", expected 1 (view), 2 (saccade) or 3 (update)");
  }
}

}  // namespace saccade
