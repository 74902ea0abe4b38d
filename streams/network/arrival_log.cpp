#include "streams/network/arrival_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "engine/error.h"
#include "streams/shape_text.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

fs::path partial(fs::path file) { return file += ".partial"; }

}  // namespace

ArrivalLog::ArrivalLog(FileSystem& files, const fs::path& file, const ViewFileHeader& header)
    : ArrivalLog(ViewFileWriter(files, file, header), header) {}

ArrivalLog::ArrivalLog(ArrivalLog&&) noexcept = default;
ArrivalLog::~ArrivalLog() = default;

ArrivalLog ArrivalLog::resume(FileSystem& files, const fs::path& file, const ViewFileHeader& header,
                              std::uint64_t learned) {
  const fs::path open = files.exists(file) ? file : partial(file);
  ViewFileReader reader(files, open);
  const ViewFileHeader& found = reader.header();
  if (found.height != header.height || found.width != header.width || found.channels != header.channels ||
      found.kind != header.kind || found.content != header.content || found.streams != header.streams)
    throw InputError(fmt::format("{}: holds {} streams of {}x{}x{} views, expected {} of {}x{}x{}", open.string(),
                                 found.streams, found.height, found.width, found.channels, header.streams,
                                 header.height, header.width, header.channels));
  RecordedEvents events(header.streams);
  while (auto event = reader.next(ViewFileReader::Read::recipes)) {
    if (!reader.damage().empty()) break;
    events.next(std::move(*event));
  }
  std::uint64_t torn = 0;
  for (const Damage& damage : reader.damage()) {
    if (!damage.tail)
      throw InputError(
          fmt::format("{}: {} in the middle of what arrived; what is left can be saved by saccade inspect {} "
                      "--recover FILE, and replayed",
                      open.string(), describe(damage), open.string()));
    torn += damage.bytes;
  }
  if (events.views() < learned)
    throw InputError(fmt::format(
        "{}: has {} whole views, but the checkpoint has learned from {}: a part of the file is lost. What is "
        "there can be saved by saccade inspect {} --recover FILE, and replayed",
        open.string(), events.views(), learned, open.string()));
  if (open == file) files.rename(file, partial(file));  // it was closed: its last record is taken off
  ArrivalLog log(ViewFileWriter(files, file, header, reader.end(), events.events()), header);
  log.events_ = events;
  log.names_ = reader.names();
  log.torn_ = torn;
  return log;
}

std::optional<ArrivalLogs::Place> ArrivalLog::find(const std::string& name) {
  const auto known = std::find(names_.begin(), names_.end(), name);
  if (known == names_.end()) return {};
  return Place{this, static_cast<std::uint32_t>(known - names_.begin())};
}

ArrivalLogs::Place ArrivalLog::begin(const std::string& name) {
  const auto number = static_cast<std::uint32_t>(names_.size());
  if (number >= header_.streams) throw std::logic_error("an arrival log has no place for another stream");
  names_.push_back(name);
  const std::lock_guard lock(*writing_);
  writer_.name(number, name);
  return {this, number};
}

void ArrivalLog::record(Event& event, std::uint32_t stream) {
  std::visit([&](auto& e) { e.stream = stream; }, event);
  if (auto* view = std::get_if<View>(&event)) view->recipe.kind = header_.kind;
  events_.next(event);
  const std::lock_guard lock(*writing_);
  writer_.write(event);
  unsynced_ = true;
}

void ArrivalLog::flush() {
  const std::lock_guard lock(*writing_);
  writer_.flush();
}

void ArrivalLog::sync() {
  const std::lock_guard lock(*writing_);
  if (!std::exchange(unsynced_, false)) return;
  writer_.sync();
}

void ArrivalLog::close() {
  const std::lock_guard lock(*writing_);
  unsynced_ = false;  // close() syncs
  writer_.close();
}

}  // namespace saccade
