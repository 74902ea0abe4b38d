#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/recorder.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"

namespace saccade {
namespace {

using Json = nlohmann::ordered_json;

Json damage_json(const std::vector<Damage>& damage) {
  Json list = Json::array();
  for (const Damage& one : damage)
    list.push_back({{"position", one.position}, {"bytes", one.bytes}, {"tail", one.tail}});
  return list;
}

Json inspect_trace(const std::filesystem::path& file) {
  TraceReader reader(real_files(), file);
  std::uint64_t views = 0, saccades = 0, updates = 0, fixations = 0;
  Time first = 0, last = 0;
  bool any = false;
  while (const auto record = reader.next()) {
    const Time time = std::visit([](const auto& r) { return r.time; }, *record);
    first = any ? std::min(first, time) : time;
    last = any ? std::max(last, time) : time;
    any = true;
    fixations = std::max(fixations, std::visit([](const auto& r) { return r.fixation; }, *record) + 1);
    views += std::holds_alternative<View>(*record);
    saccades += std::holds_alternative<Saccade>(*record);
    updates += std::holds_alternative<UpdateRecord>(*record);
  }
  Json json = {{"records", {{"view", views}, {"saccade", saccades}, {"update", updates}}}, {"fixations", fixations}};
  if (any) json["time_s"] = {to_seconds(first), to_seconds(last)};
  json["damage"] = damage_json(reader.damage());
  return json;
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
    if (name == "experiment") continue;  // printed last
    if (name == "damage") {
      if (value.empty()) fmt::print("{:<16} none\n", name);
      for (const Json& one : value) {
        const Damage damage{one["position"], one["bytes"], one["tail"]};
        fmt::print("{:<16} {}{}\n", name, describe(damage), damage.tail ? ", at the end of the file" : "");
      }
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
  if (json.contains("experiment")) fmt::print("\n{}", json["experiment"].get<std::string>());
}

void run_inspect(const std::filesystem::path& file, bool as_json) {
  // The file system's own message would be about reading; a folder given by mistake deserves a clearer one.
  if (std::filesystem::is_directory(file))
    throw InputError(fmt::format("{}: this is a folder, expected a file", file.string()));
  const std::string kind = record_file_kind(real_files(), file);
  Json json = {{"file", file.string()}, {"kind", kind}, {"bytes", real_files().size(file)}};
  json.update(kind == "trace"        ? inspect_trace(file)
              : kind == "checkpoint" ? inspect_checkpoint(file)
                                     : inspect_records(file, kind));
  if (as_json)
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_text(json);
}

}  // namespace

void add_inspect(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("inspect", "Describe and verify a file of ours: a trace or a checkpoint");
  const auto file = std::make_shared<std::filesystem::path>();
  command->add_option("FILE", *file, "The file")->required();
  command->add_flag("--json", flags.json, "Print as JSON");
  add_example(*command, "saccade inspect runs/first/events.trace");
  command->callback([file, &flags] { run_inspect(*file, flags.json); });
}

}  // namespace saccade
