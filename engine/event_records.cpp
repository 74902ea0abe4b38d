#include "engine/event_records.h"

#include <algorithm>
#include <bit>

namespace saccade::records {
namespace {

/// False when a byte each does not give back every pixel, to the bit.
bool as_bytes(const Pixels& pixels, std::uint8_t* bytes) {
  bool exact = true;
  std::transform(pixels.begin(), pixels.end(), bytes, [&exact](float pixel) {
    const auto byte = static_cast<std::uint8_t>(pixel >= 0 && pixel <= 1 ? pixel * 255.0f + 0.5f : 0.0f);
    exact &= std::bit_cast<std::uint32_t>(static_cast<float>(byte) * byte_scale) == std::bit_cast<std::uint32_t>(pixel);
    return byte;
  });
  return exact;
}

}  // namespace

void refuse(const std::filesystem::path& file, const Record& record, const std::string& what) {
  throw InputError(file.string() + ": position " + std::to_string(record.position) + ": " + what);
}

flatbuffers::Offset<fb::View> write(flatbuffers::FlatBufferBuilder& builder, const View& view, With with) {
  flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> bytes;
  flatbuffers::Offset<flatbuffers::Vector<float>> floats;
  if (with == With::pixels) {
    std::uint8_t* to = nullptr;
    bytes = builder.CreateUninitializedVector(view.pixels->size(), &to);
    if (!as_bytes(*view.pixels, to)) {
      builder.Clear();
      bytes = {};
      floats = builder.CreateVector(*view.pixels);
    }
  }
  const auto parameters = builder.CreateVector(view.recipe.parameters.data(), view.recipe.parameters.size());
  return fb::CreateView(builder, view.time, view.fixation, view.index, static_cast<std::uint8_t>(view.recipe.kind),
                        view.recipe.source, parameters, bytes, floats, view.stream);
}

flatbuffers::Offset<fb::Saccade> write(flatbuffers::FlatBufferBuilder& builder, const Saccade& saccade) {
  return fb::CreateSaccade(builder, saccade.time, saccade.fixation, saccade.stream);
}

flatbuffers::Offset<fb::Update> write(flatbuffers::FlatBufferBuilder& builder, const UpdateRecord& update,
                                      std::vector<fb::Term>& terms) {
  terms.clear();
  for (const UpdateTerm& term : update.terms)
    terms.emplace_back(term.age_us, term.staleness, term.slot, term.distance, term.loss, term.positive, term.active);
  const auto vector = builder.CreateVectorOfStructs(terms);
  return fb::CreateUpdate(builder, update.event, update.time, update.fixation, static_cast<fb::Role>(update.role),
                          update.layer, vector);
}

UpdateRecord read_update(const std::filesystem::path& file, const Record& record, const fb::Update& table) {
  if (table.role() > fb::Role::MAX)
    refuse(file, record, "got role " + std::to_string(static_cast<int>(table.role())) + ", expected 0 to 2");
  UpdateRecord update{
      table.event(), table.time(), table.fixation(), static_cast<ViewRole>(table.role()), table.layer(), {}};
  const auto* terms = aligned<fb::Term>(file, record, table.terms());
  if (terms == nullptr) return update;
  update.terms.reserve(terms->size());
  for (const fb::Term* term : *terms)
    update.terms.push_back({term->positive(), term->distance(), term->loss(), term->active(), term->age_us(),
                            term->staleness(), term->slot()});
  return update;
}

View read_view(const std::filesystem::path& file, const Record& record, const fb::View& table) {
  if (table.kind() > static_cast<std::uint8_t>(last_view_kind))
    refuse(file, record,
           "got view kind " + std::to_string(table.kind()) + ", expected 0 to " +
               std::to_string(static_cast<int>(last_view_kind)));
  View view{table.time(), table.fixation(), table.index(), {}, nullptr, table.stream()};
  view.recipe.kind = static_cast<ViewKind>(table.kind());
  view.recipe.source = table.source();
  const auto* parameters = table.parameters();
  const std::size_t count = parameters == nullptr ? 0 : parameters->size();
  if (count != view.recipe.parameters.size())
    refuse(
        file, record,
        "got " + std::to_string(count) + " view parameters, expected " + std::to_string(view.recipe.parameters.size()));
  std::copy(parameters->begin(), parameters->end(), view.recipe.parameters.begin());
  return view;
}

Saccade read_saccade(const std::filesystem::path& file, const Record& record) {
  const auto& table = verified<fb::Saccade>(file, record);
  return {table.time(), table.fixation(), table.stream()};
}

}  // namespace saccade::records
