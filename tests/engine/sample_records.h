#pragma once
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/recorder.h"
#include "engine/view_file.h"

/// A small trace and small files of views with one of everything, and their comparison to the bit.
namespace saccade::testing {

/// An event or an update as text, to the bit.
inline std::string exact(const TraceRecord& record) {
  const auto list = [](auto... fields) { return ((std::to_string(fields) + " ") + ...); };
  const auto bits = [](float value) {
    std::uint32_t word = 0;
    std::memcpy(&word, &value, 4);
    return std::to_string(word) + " ";
  };
  if (const auto* saccade = std::get_if<Saccade>(&record)) return "saccade " + list(saccade->time, saccade->fixation);
  if (const auto* view = std::get_if<View>(&record)) {
    std::string text = "view " + list(view->time, view->fixation, view->index, static_cast<int>(view->recipe.kind),
                                      view->recipe.source);
    for (const float parameter : view->recipe.parameters) text += bits(parameter);
    if (view->pixels) text += "pixels ";
    if (view->pixels)
      for (const float pixel : *view->pixels) text += bits(pixel);
    return text;
  }
  const auto& update = std::get<UpdateRecord>(record);
  std::string text =
      "update " + list(update.event, update.time, update.fixation, static_cast<int>(update.role), update.layer);
  for (const UpdateTerm& term : update.terms)
    text += list(term.positive, term.active, term.age_us, term.staleness, term.slot) + bits(term.distance) +
            bits(term.loss);
  return text;
}

inline View golden_view(std::uint32_t number, ViewKind kind) {
  View view{static_cast<Time>(number) * 150'000, number / 2, number % 2, {kind, 3 * number, {}}, nullptr};
  for (std::size_t i = 0; i < view.recipe.parameters.size(); ++i)
    view.recipe.parameters[i] = static_cast<float>(number) - 0.125f * static_cast<float>(i);
  return view;
}

/// Every kind of view, a saccade, updates of every role.
inline std::vector<TraceRecord> golden_trace() {
  std::vector<TraceRecord> records;
  for (std::uint32_t i = 0; i <= static_cast<std::uint32_t>(last_view_kind); ++i) {
    records.emplace_back(golden_view(i, static_cast<ViewKind>(i)));
    UpdateRecord update{
        i, static_cast<Time>(i) * 150'000, i / 2, static_cast<ViewRole>(i % 3), static_cast<std::int32_t>(i % 4) - 1,
        {}};
    for (std::uint32_t term = 0; term < i % 3; ++term)
      update.terms.push_back({term == 0, 0.1f * static_cast<float>(i), term == 0 ? -0.0f : 1e-40f, term == 1,
                              std::int64_t{1} << (20 + i), i, static_cast<std::int32_t>(term) - 1});
    records.emplace_back(update);
    if (i % 2 == 1) records.emplace_back(Saccade{static_cast<Time>(i) * 150'000 + 1, i / 2});
  }
  records.emplace_back(Saccade{std::numeric_limits<Time>::max(), std::numeric_limits<std::uint64_t>::max()});
  return records;
}

inline ViewFileHeader golden_header(ViewFileHeader::Content content) {
  return {2, 1, 3, ViewKind::affine, content, "golden \xc3\xa9", 40, "0123abcd", "seed = 1\n", 6};
}

/// Views whose pixels are bytes, views whose pixels are floats, a saccade behind every second.
inline std::vector<TraceRecord> golden_events(ViewFileHeader::Content content) {
  std::vector<TraceRecord> events;
  for (std::uint32_t i = 0; i < 6; ++i) {
    View view = golden_view(i, ViewKind::affine);
    Pixels pixels;
    for (std::uint32_t p = 0; p < 6; ++p)
      pixels.push_back(i % 3 == 2 ? -0.75f * static_cast<float>(p) : static_cast<float>(40 * i + p) * byte_scale);
    if (content == ViewFileHeader::Content::pixels) view.pixels = std::make_shared<Pixels>(pixels);
    events.emplace_back(view);
    if (i % 2 == 1) events.emplace_back(Saccade{static_cast<Time>(i) * 150'000 + 1, i / 2});
  }
  return events;
}

inline std::vector<std::string> exact(const std::vector<TraceRecord>& records) {
  std::vector<std::string> all;
  for (const TraceRecord& record : records) all.push_back(exact(record));
  return all;
}

inline void write_trace(FileSystem& files, const std::filesystem::path& file) {
  Recorder recorder(files, file);
  for (const TraceRecord& record : golden_trace()) {
    if (const auto* view = std::get_if<View>(&record)) recorder.view(*view);
    if (const auto* saccade = std::get_if<Saccade>(&record)) recorder.saccade(*saccade);
    if (const auto* update = std::get_if<UpdateRecord>(&record)) recorder.update(*update);
  }
  recorder.close();
}

inline void write_views(FileSystem& files, const std::filesystem::path& file, ViewFileHeader::Content content) {
  ViewFileWriter writer(files, file, golden_header(content));
  for (const TraceRecord& record : golden_events(content)) {
    if (const auto* view = std::get_if<View>(&record)) writer.write(*view);
    if (const auto* saccade = std::get_if<Saccade>(&record)) writer.write(*saccade);
  }
  writer.close();
}

struct FileContent {
  std::vector<std::string> records;  ///< exact()
  std::vector<Damage> damage;
  std::uint64_t end = 0;                  ///< of a trace
  std::optional<std::uint64_t> promised;  ///< of a file of views
};

inline FileContent read_trace(FileSystem& files, const std::filesystem::path& file) {
  TraceReader reader(files, file);
  FileContent content;
  while (const auto record = reader.next()) content.records.push_back(exact(*record));
  content.damage = reader.damage();
  content.end = reader.end();
  return content;
}

inline FileContent read_views(FileSystem& files, const std::filesystem::path& file) {
  ViewFileReader reader(files, file);
  FileContent content;
  while (const auto event = reader.next())
    content.records.push_back(std::visit([](const auto& one) { return exact(TraceRecord(one)); }, *event));
  content.damage = reader.damage();
  content.promised = reader.promised();
  return content;
}

}  // namespace saccade::testing
