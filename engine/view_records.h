#pragma once
#include "engine/event_records.h"
#include "engine/schemas/views_generated.h"
#include "engine/view_file.h"

/// What a file of views says as payloads of records (schemas/views.fbs), shared by files and connections.
namespace saccade::records {

/// InputError for views of a size, kind or number of streams that is not allowed.
ViewFileHeader read_header(const std::filesystem::path& file, const Record& record);
/// std::invalid_argument where a writer's header is not.
const ViewFileHeader& checked(const ViewFileHeader& header);
flatbuffers::Offset<fb::Views> write(flatbuffers::FlatBufferBuilder& builder, const ViewFileHeader& header,
                                     std::uint64_t events);

/// A view of a file with this header. `pixels`: with its pixels, where the file holds them. InputError for a view that
/// is not as the header says.
View read_view(const std::filesystem::path& file, const Record& record, const ViewFileHeader& header, bool pixels);
/// InputError for a stream that is not among those of the header.
void check_stream(const std::filesystem::path& file, const Record& record, const ViewFileHeader& header,
                  std::uint32_t stream);

}  // namespace saccade::records
