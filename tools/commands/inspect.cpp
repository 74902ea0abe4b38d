#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/recorder.h"
#include "engine/view_file.h"
#include "streams/views.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"
#include "tools/recover.h"

namespace saccade {
namespace {

using Json = nlohmann::ordered_json;

Json damage_json(const std::vector<Damage>& damage) {
  Json list = Json::array();
  for (const Damage& one : damage)
    list.push_back({{"position", one.position}, {"bytes", one.bytes}, {"tail", one.tail}});
  return list;
}

/// Numbers of events, and when they were.
struct Counts {
  std::uint64_t views = 0, saccades = 0, updates = 0;
  std::map<std::uint32_t, std::uint64_t> fixations;  ///< of each stream, which numbers its own
  std::optional<Time> first, last;

  template <class Record>
  void add(const Record& event) {
    const Time time = std::visit([](const auto& e) { return e.time; }, event);
    first = std::min(first.value_or(time), time);
    last = std::max(last.value_or(time), time);
    if (const auto* view = std::get_if<View>(&event))
      ++views, saw(view->stream, view->fixation);
    else if (const auto* saccade = std::get_if<Saccade>(&event))
      ++saccades, saw(saccade->stream, saccade->fixation);
    else
      ++updates;
  }
  void saw(std::uint32_t stream, std::uint64_t fixation) {
    std::uint64_t& count = fixations[stream];
    count = std::max(count, fixation + 1);
  }
  void describe(Json& json) const {
    std::uint64_t all = 0;
    for (const auto& [stream, count] : fixations) all += count;
    json["fixations"] = all;
    if (first) json["time_s"] = {to_seconds(*first), to_seconds(*last)};
  }
};

Json inspect_trace(const std::filesystem::path& file) {
  TraceReader reader(real_files(), file);
  Counts counts;
  while (const auto record = reader.next()) counts.add(*record);
  Json json = {{"records", {{"view", counts.views}, {"saccade", counts.saccades}, {"update", counts.updates}}}};
  counts.describe(json);
  json["damage"] = damage_json(reader.damage());
  return json;
}

/// Those that have sent something, by number.
Json streams_json(const std::vector<Counts>& streams, const std::vector<std::string>& names) {
  Json list = Json::array();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const bool named = i < names.size() && !names[i].empty();
    if (streams[i].views + streams[i].saccades == 0 && !named) continue;
    Json& stream = list.emplace_back(Json{{"stream", i}});
    if (named) stream["name"] = names[i];
    stream["records"] = {{"view", streams[i].views}, {"saccade", streams[i].saccades}};
    streams[i].describe(stream);
  }
  return list;
}

Json inspect_views(const std::filesystem::path& file) {
  ViewFileReader reader(real_files(), file);
  const ViewFileHeader& header = reader.header();
  Counts counts;
  std::vector<Counts> streams(header.streams);
  while (const auto event = reader.next(ViewFileReader::Read::recipes)) {
    counts.add(*event);
    streams[std::visit([](const auto& e) { return e.stream; }, *event)].add(*event);
  }
  Json json = {{"content", to_string(header.content)},
               {"shape", {header.height, header.width, header.channels}},
               {"view_kind", to_string(header.kind)},
               {"source", header.source_name}};
  if (header.content == ViewFileHeader::Content::recipes) {
    json["source_images"] = header.source_size;
    json["source_hash"] = header.source_hash;
  }
  json["planned"] = header.planned;
  json["records"] = {{"view", counts.views}, {"saccade", counts.saccades}};
  if (header.streams > 1) {
    json["most_streams"] = header.streams;
    json["streams"] = streams_json(streams, reader.names());
  }
  counts.describe(json);
  if (counts.views > 0)
    json["bytes_per_view"] = static_cast<double>(real_files().size(file)) / static_cast<double>(counts.views);
  json["whole"] = reader.damage().empty() && reader.promised() == counts.views + counts.saccades;
  json["damage"] = damage_json(reader.damage());
  json["description"] = header.description;
  return json;
}

Json event_json(const View& view) {
  return {{"event", "view"},
          {"time_s", to_seconds(view.time)},
          {"fixation", view.fixation},
          {"view", view.index},
          {"kind", to_string(view.recipe.kind)},
          {"source", view.recipe.source},
          {"parameters", view.recipe.parameters}};
}
Json event_json(const Saccade& saccade) {
  return {{"event", "saccade"}, {"time_s", to_seconds(saccade.time)}, {"fixation", saccade.fixation}};
}
Json event_json(const UpdateRecord& update) {
  constexpr const char* roles[] = {"anchor", "learner", "idle"};
  Json terms = Json::array();
  for (const UpdateTerm& term : update.terms)
    terms.push_back({{"positive", term.positive},
                     {"age_s", static_cast<double>(term.age_us) / 1e6},
                     {"distance", term.distance},
                     {"active", term.active}});
  return {{"event", "update"},           {"time_s", to_seconds(update.time)},
          {"fixation", update.fixation}, {"role", roles[static_cast<int>(update.role)]},
          {"layer", update.layer},       {"terms", terms}};
}

/// The first `most` events.
template <class Reader>
Json first_events(Reader&& reader, std::uint64_t most) {
  Json list = Json::array();
  while (list.size() < most) {
    const auto event = reader.next();
    if (!event) break;
    list.push_back(std::visit([](const auto& e) { return event_json(e); }, *event));
  }
  return list;
}

Json show(const std::filesystem::path& file, const std::string& kind, std::uint64_t most) {
  if (kind == "trace") return first_events(TraceReader(real_files(), file), most);
  if (kind == "views") return first_events(ViewFileReader(real_files(), file), most);
  throw InputError(
      fmt::format("{}: a {} has no events to show, expected a trace or a file of views", file.string(), kind));
}

Json inspect_checkpoint(const std::filesystem::path& file) {
  const Checkpoint checkpoint = load_checkpoint(real_files(), file);
  Json tensors = Json::array(), integers = Json::array(), reals = Json::array();
  for (const Tensor& tensor : checkpoint.tensors) tensors.push_back({{"name", tensor.name}, {"shape", tensor.shape}});
  for (const auto& list : checkpoint.integers)
    integers.push_back({{"name", list.name}, {"values", list.values.size()}});
  for (const auto& list : checkpoint.reals) reals.push_back({{"name", list.name}, {"values", list.values.size()}});
  return {{"event", checkpoint.event},
          {"fingerprint", fingerprint(checkpoint)},
          {"instruction_set", checkpoint.instruction_set},
          {"arithmetic", checkpoint.arithmetic},
          {"tensors", tensors},
          {"integers", integers},
          {"reals", reals},
          {"experiment", checkpoint.experiment},
          {"damage", Json::array()}};
}

/// A kind of ours that this command knows nothing special about: its framing can still be verified.
Json inspect_records(const std::filesystem::path& file, const std::string& kind) {
  RecordReader reader(real_files(), file, kind);
  std::map<std::uint32_t, std::uint64_t> counts;
  while (const auto record = reader.next()) ++counts[record->type];
  Json records = Json::object();
  for (const auto& [type, count] : counts) records[fmt::format("type {}", type)] = count;
  return {{"records", records}, {"damage", damage_json(reader.damage())}};
}

/// Lines of "name  value"; lists of objects become one line each.
void print_text(const Json& json) {
  for (const auto& [name, value] : json.items()) {
    if (name == "experiment" || name == "description" || name == "events") continue;  // printed last
    if (name == "damage") {
      if (value.empty()) fmt::print("{:<16} none\n", name);
      for (const Json& one : value) {
        const Damage damage{one["position"], one["bytes"], one["tail"]};
        fmt::print("{:<16} {}{}\n", name, describe(damage), damage.tail ? ", at the end of the file" : "");
      }
    } else if (name == "streams") {
      for (const Json& stream : value)
        fmt::print("{:<16} {}: {} views, {} saccades, {} fixations\n",
                   fmt::format("stream {}", stream["stream"].dump()), stream.value("name", "without a name"),
                   stream["records"]["view"].dump(), stream["records"]["saccade"].dump(), stream["fixations"].dump());
    } else if (value.is_array() && !value.empty() && value[0].is_object()) {
      for (const Json& item : value)
        fmt::print("{:<16} {} {}\n", name, item["name"].get<std::string>(),
                   item.contains("shape") ? item["shape"].dump()
                                          : fmt::format("{} values", item["values"].get<std::size_t>()));
    } else if (value.is_object()) {
      for (const auto& [key, count] : value.items()) fmt::print("{:<16} {} {}\n", name, count.dump(), key);
    } else {
      fmt::print("{:<16} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  for (const char* text : {"experiment", "description"})
    if (json.contains(text)) fmt::print("\n{}", json[text].get<std::string>());
  if (!json.contains("events")) return;
  fmt::print("\n");
  for (const Json& event : json["events"]) {
    std::vector<std::string> parts;
    for (const auto& [name, value] : event.items())
      parts.push_back(name == "event"
                          ? fmt::format("{:<8}", value.get<std::string>())
                          : fmt::format("{} {}", name, value.is_string() ? value.get<std::string>() : value.dump()));
    fmt::print("{}\n", fmt::join(parts, "  "));
  }
}

struct InspectRequest {
  std::filesystem::path file, recover;
  std::uint64_t show = 0;
};

Json recover_json(const InspectRequest& request) {
  const Recovered recovered = recover(request.file, request.recover);
  return {{"file", request.recover.string()},   {"records", recovered.records},
          {"lost_bytes", recovered.lost_bytes}, {"unreadable_records", recovered.unreadable},
          {"left_out", recovered.orphans},      {"saccades_restored", recovered.saccades}};
}

/// Exit code: 0; 1 when the file is damaged or cut short.
int run_inspect(const InspectRequest& request, bool as_json) {
  const std::filesystem::path& file = request.file;
  // The file system's own message would be about reading; a folder given by mistake deserves a clearer one.
  if (std::filesystem::is_directory(file))
    throw InputError(fmt::format("{}: this is a folder, expected a file", file.string()));
  Json json;
  if (!request.recover.empty()) {
    json = recover_json(request);
  } else {
    const std::string kind = record_file_kind(real_files(), file);
    json = {{"file", file.string()}, {"kind", kind}, {"bytes", real_files().size(file)}};
    json.update(kind == "trace"        ? inspect_trace(file)
                : kind == "views"      ? inspect_views(file)
                : kind == "checkpoint" ? inspect_checkpoint(file)
                                       : inspect_records(file, kind));
    if (request.show > 0) json["events"] = show(file, kind, request.show);
  }
  if (as_json)
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_text(json);
  return request.recover.empty() && (!json["damage"].empty() || json.value("whole", true) == false) ? 1 : 0;
}

}  // namespace

void add_inspect(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand(
      "inspect", "Describe, verify and recover a file of ours: a recorded stream, a trace, a checkpoint");
  const auto request = std::make_shared<InspectRequest>();
  command->add_option("FILE", request->file, "The file")->required();
  CLI::Option* show = command->add_option("--show", request->show, "Also print the first N events")
                          ->type_name("N")
                          ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--recover", request->recover,
                   "Write what can be read of a damaged stream or trace to this new file, and say what was lost")
      ->type_name("OUT")
      ->excludes(show);
  command->add_flag("--json", flags.json, "Print as JSON");
  add_example(*command,
              "saccade inspect runs/first/events.trace --show 10\n"
              "  saccade inspect clip.views.partial --recover clip.views");
  command->callback([request, &flags] { flags.exit_code = run_inspect(*request, flags.json); });
}

}  // namespace saccade
