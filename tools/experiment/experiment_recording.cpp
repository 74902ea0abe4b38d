#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/error.h"
#include "streams/recorded_stream.h"
#include "streams/shape_text.h"
#include "tools/experiment/experiment_keys.h"

namespace saccade::keys {
namespace {

bool is_recording_key(std::string_view name) { return name == "stream.file" || name == "stream.hash"; }
bool is_arrival_key(std::string_view name) { return name == "stream.shape" || name == "stream.streams"; }

Experiment::Data data_of(const Recording& recording, const Experiment& e) {
  const ViewFileHeader& header = recording.header;
  if (header.content == ViewFileHeader::Content::pixels) return Experiment::Data::none;
  const std::vector<std::string>& words = std::get<Choice>(find("data")->type).words;
  const auto found = std::find(words.begin(), words.end(), header.source_name);
  if (found == words.end())
    throw InputError(fmt::format("{}: its recipes are of \"{}\", which is none of the data sets known here",
                                 e.stream.file, header.source_name));
  return static_cast<Experiment::Data>(found - words.begin());
}

/// Where recipes are rendered from is part of the experiment that they were recorded from: the tables of its data set.
/// One that is given stays as it is.
void adopt_tables(Given& given, const ViewFileHeader& header) {
  Experiment& e = given.experiment;
  if (e.data != Experiment::Data::folder && e.data != Experiment::Data::world) return;
  const auto says = [&](std::string_view table) {
    return std::any_of(given.names.begin(), given.names.end(),
                       [&](const std::string& name) { return name.starts_with(table); });
  };
  const Experiment recorded = parse_experiment(header.description, "the experiment in " + e.stream.file);
  if (!says("folder.")) e.folder = recorded.folder;
  if (!says("world.")) e.world = recorded.world;
}

}  // namespace

bool applies(std::string_view name, const Experiment& e) {
  if (is_recording_key(name)) return e.stream.recorded();
  if (is_arrival_key(name)) return e.stream.recorded() || e.stream.arrives;
  return !(e.stream.recorded() || e.stream.arrives) || name == "stream.views" || name == "stream.arrives" ||
         !(name.starts_with("stream.") || name.starts_with("motion."));
}

namespace {

/// The experiment of a served run, with what it recorded of its arrivals: the same learning without the network.
void replay_arrivals(Given& given) {
  Experiment& e = given.experiment;
  e.stream.arrives = false;
  if (e.probe.data == Experiment::ProbeData::same && e.data != Experiment::Data::none)
    e.probe.data = static_cast<Experiment::ProbeData>(1 + static_cast<int>(e.data));
  e.data = Experiment::Data::none;
  for (const char* name :
       {"data", "images", "view.kind", "stream.arrives", "stream.views", "stream.shape", "stream.streams"})
    given.names.erase(name);
  if (e.events == Experiment::unbounded) given.names.erase("events");
}

}  // namespace

void adopt_recording(Given& given, const std::string& origin) {
  Experiment& e = given.experiment;
  if (e.stream.recorded() && e.stream.arrives) replay_arrivals(given);
  for (const std::string& name : given.names)
    if (!applies(name, e))
      throw InputError(
          is_recording_key(name) ? fmt::format("{}: {} is given, expected stream.file with it", origin, name)
          : is_arrival_key(name)
              ? fmt::format("{}: {} is given, expected stream.file with it, or saccade serve", origin, name)
              : fmt::format("{}: {} is given, which says nothing beside {}; leave it out", origin, name,
                            e.stream.recorded() ? "stream.file: a recorded stream comes as it was recorded"
                                                : "stream.arrives: what arrives comes as it is sent"));
  if (e.events == Experiment::unbounded && !e.stream.arrives && !e.stream.recorded())
    throw InputError(
        fmt::format("{}: events is \"unbounded\", expected a number: only what arrives over the network "
                    "(saccade serve) has no end of its own",
                    origin));
  if (e.stream.arrives && e.data == Experiment::Data::none && e.stream.shape.empty())
    throw InputError(
        fmt::format("{}: data is \"none\", expected stream.shape with it, the height, width and channels of "
                    "the views that will come, such as \"32x32x3\"",
                    origin));
  if (!e.stream.recorded()) {
    if (e.data == Experiment::Data::none && !e.stream.arrives)
      throw InputError(fmt::format(
          "{}: data is \"none\", expected a data set, or a stream.file of pixels, which needs none", origin));
    return;
  }
  if (!e.stream.hash.empty()) return;
  e.stream.file = std::filesystem::absolute(e.stream.file).lexically_normal().string();
  const Recording recording = RecordedStream(e.stream.file).recording();
  const ViewFileHeader& header = recording.header;
  const auto decide = [&](const char* name, auto& field, const auto& value) {
    const std::string before = value_text(*find(name), e);
    const bool differs = field != value;
    field = value;
    if (differs && given.names.contains(name))
      throw InputError(fmt::format("{}: {} is {}, but it is {} in {}; leave it out", origin, name, before,
                                   value_text(*find(name), e), e.stream.file));
  };
  decide("data", e.data, data_of(recording, e));
  decide("view.kind", e.view.kind, header.kind);
  given.automatic_view = false;
  adopt_tables(given, header);
  if (e.data != Experiment::Data::none) decide("images", e.images, std::int64_t{header.source_size});
  decide("stream.views", e.stream.views,
         static_cast<std::int64_t>((recording.views + recording.fixations / 2) / recording.fixations));
  if (!given.names.contains("events")) e.events = static_cast<std::int64_t>(recording.views);
  e.stream.shape = shape_text(recording.view_shape());
  e.stream.streams = header.streams;
  e.stream.hash = recording.hash;
}

}  // namespace saccade::keys
