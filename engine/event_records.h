#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/event.h"
#include "engine/record_file.h"
#include "engine/recorder.h"
#include "engine/schemas/trace_generated.h"

/// Events as payloads of records (schemas/events.fbs, trace.fbs), shared by traces, files of views and connections.
namespace saccade::records {

/// Types of records, over all kinds of files. Append, never renumber.
enum Type : std::uint32_t {
  view_record = 1,
  saccade_record = 2,
  update_record = 3,
  header_record = 4,
  end_record = 5,
  name_record = 6,
  hello_record = 7,
  welcome_record = 8,
  answer_record = 9,
  refusal_record = 10
};

/// InputError about a record that is whole and still not as it should be.
[[noreturn]] void refuse(const std::filesystem::path& file, const Record& record, const std::string& what);

/// The payload as a table, after the verifier has seen all of it.
template <class Table>
const Table& verified(const std::filesystem::path& file, const Record& record) {
  flatbuffers::Verifier verifier(record.payload.data(), record.payload.size());
  if (!verifier.VerifyBuffer<Table>(nullptr))
    refuse(file, record, "record type " + std::to_string(record.type) + ": its payload is not valid");
  return *flatbuffers::GetRoot<Table>(record.payload.data());
}

/// The verifier looks at where a vector begins, not at where its elements lie: those of 8 bytes must be at multiples
/// of 8.
/// An empty one may lie anywhere.
template <class Element, class Vector>
const Vector* aligned(const std::filesystem::path& file, const Record& record, const Vector* vector) {
  if (vector && vector->size() > 0 && reinterpret_cast<std::uintptr_t>(vector->Data()) % alignof(Element) != 0)
    refuse(file, record, "record type " + std::to_string(record.type) + ": its payload is not aligned");
  return vector;
}

/// Appends a finished table and makes the builder ready for the next one.
template <class Table>
void append(RecordWriter& writer, Type type, flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Table> root) {
  builder.Finish(root);
  writer.append(type, {builder.GetBufferPointer(), builder.GetSize()});
  builder.Clear();
}

/// With the view's pixels: as bytes where these give the same bits, else as floats.
enum class With { recipe, pixels };
flatbuffers::Offset<fb::View> write(flatbuffers::FlatBufferBuilder& builder, const View& view, With with);
flatbuffers::Offset<fb::Saccade> write(flatbuffers::FlatBufferBuilder& builder, const Saccade& saccade);

/// What was learned from a view; `terms` is working space.
flatbuffers::Offset<fb::Update> write(flatbuffers::FlatBufferBuilder& builder, const UpdateRecord& update,
                                      std::vector<fb::Term>& terms);
/// InputError for an unknown role.
UpdateRecord read_update(const std::filesystem::path& file, const Record& record, const fb::Update& table);

/// All but the pixels. InputError for an unknown kind or a wrong number of parameters.
View read_view(const std::filesystem::path& file, const Record& record, const fb::View& table);
Saccade read_saccade(const std::filesystem::path& file, const Record& record);

}  // namespace saccade::records
