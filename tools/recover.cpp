#include "tools/recover.h"

#include <fmt/format.h>

#include "engine/error.h"
#include "engine/view_file.h"
#include "streams/recorded_stream.h"

namespace saccade {
namespace {

std::uint64_t lost(const std::vector<Damage>& damage) {
  std::uint64_t bytes = 0;
  for (const Damage& one : damage) bytes += one.bytes;
  return bytes;
}

/// Records mean the same wherever they lie.
Recovered recover_records(const std::filesystem::path& from, const std::filesystem::path& to, const std::string& kind,
                          FileSystem& files) {
  if (files.exists(to)) throw InputError(fmt::format("{}: exists already; choose another name", to.string()));
  Recovered recovered;
  RecordReader reader(files, from, kind);
  RecordWriter writer = RecordWriter::create(files, to, kind);
  while (const auto record = reader.next()) {
    writer.append(record->type, record->payload);
    ++recovered.records;
  }
  writer.sync();
  writer.close();
  recovered.lost_bytes = lost(reader.damage());
  return recovered;
}

/// As a stream again: where the saccade between two fixations was lost, the learner would take their views for views of
/// one object.
Recovered recover_views(const std::filesystem::path& from, const std::filesystem::path& to, FileSystem& files) {
  Recovered recovered;
  ViewFileReader reader(files, from);
  ViewFileWriter writer(files, to, reader.header());
  RecordedEvents stream(reader.header().streams);
  std::size_t names = 0;
  const auto write = [&](const Event& event) {
    try {
      stream.next(event);
    } catch (const InputError&) {
      ++recovered.orphans;
      return false;
    }
    writer.write(event);
    ++recovered.records;
    return true;
  };
  for (;;) {
    std::optional<Event> event;
    try {
      event = reader.next();
    } catch (const InputError&) {
      ++recovered.unreadable;
      continue;
    }
    if (!event) break;
    for (; names < reader.names().size(); ++names)
      writer.name(static_cast<std::uint32_t>(names), reader.names()[names]);
    const auto* view = std::get_if<View>(&*event);
    if (view) {
      const RecordedEvents::Place& at = stream.place(view->stream);
      if (at.looking && view->fixation > *at.fixation && write(Saccade{view->time, *at.fixation, view->stream}))
        ++recovered.saccades;
    }
    write(*event);
  }
  recovered.lost_bytes = lost(reader.damage());
  if (stream.views() == 0) {
    files.remove(writer.partial());
    throw InputError(fmt::format("{}: none of its views can be read; nothing was recovered", from.string()));
  }
  writer.close();
  return recovered;
}

}  // namespace

Recovered recover(const std::filesystem::path& from, const std::filesystem::path& to, FileSystem& files) {
  const std::string kind = record_file_kind(files, from);
  if (kind == "views") return recover_views(from, to, files);
  if (kind == "trace") return recover_records(from, to, kind, files);
  throw InputError(
      fmt::format("{}: a {} is one record, of which a part is of no use; expected a trace or a file of views",
                  from.string(), kind));
}

}  // namespace saccade
