#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "tools/cli.h"
#include "tools/commands/commands.h"
#include "tools/fetch/fetch.h"
#include "tools/run/interrupt.h"
#include "tools/tell.h"

namespace saccade {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct FetchRequest {
  std::vector<std::string> names;
  std::string mirror;
  bool list = false;
};

std::uint64_t bytes_on_disk(const PublishedSet& set) {
  std::uint64_t bytes = 0;
  for (const Archive& archive : set.archives)
    for (const Member& member : archive.members) bytes += member.size;
  return bytes;
}

void list_sets(const CommonFlags& flags) {
  const fs::path data = data_folder(flags);
  Json all = Json::array();
  for (const PublishedSet& set : published_sets()) {
    Json json = {{"name", set.name}, {"folder", set.folder}, {"bytes", bytes_on_disk(set)}};
    std::string state;
    if (!data.empty()) {
      const std::string lacks = what_lacks(set, data);
      json["complete"] = lacks.empty();
      state = lacks.empty() ? ", there" : fmt::format(", not there ({})", lacks);
    }
    for (const Archive& archive : set.archives)
      json["archives"].push_back({{"url", archive.url}, {"bytes", archive.size}, {"sha256", archive.sha256}});
    all.push_back(json);
    if (flags.json) continue;
    fmt::print("{}: {}/, {} MB{}\n", set.name, set.folder, bytes_on_disk(set) / 1'000'000, state);
    for (const Archive& archive : set.archives)
      fmt::print("  {}\n    {} bytes, SHA-256 {}\n", archive.url, archive.size, archive.sha256);
  }
  if (flags.json) fmt::print("{}\n", all.dump(2));
}

const PublishedSet& known_set(const std::string& name) {
  std::string known;
  for (const PublishedSet& set : published_sets()) {
    if (set.name == name) return set;
    known += " " + set.name;
  }
  throw InputError(fmt::format("fetch {}: no such data set, expected one of{}", name, known));
}

int fetch_sets(const FetchRequest& request, const CommonFlags& flags) {
  std::vector<const PublishedSet*> sets;
  for (const std::string& name : request.names) sets.push_back(&known_set(name));
  const fs::path data = data_folder(flags);
  if (data.empty()) throw InputError("fetch: expected the folder of the data sets, by --data DIR or SACCADE_DATA");
  catch_interrupts();
  Json all = Json::array();
  for (const PublishedSet* set : sets) {
    const FetchResult result = fetch(*set, data, {request.mirror, {}, flags.quiet});
    if (result == FetchResult::interrupted) {
      tell("interrupted; the same command goes on where it stopped");
      return 130;
    }
    const bool was_there = result == FetchResult::was_there;
    const std::string folder = (data / set->folder).string();
    all.push_back({{"name", set->name}, {"folder", folder}, {"was_there", was_there}});
    if (!flags.json)
      fmt::print("{}: {}{}, {} MB\n", set->name, was_there ? "is there already: " : "", folder,
                 bytes_on_disk(*set) / 1'000'000);
  }
  if (flags.json) fmt::print("{}\n", all.dump(2));
  return 0;
}

}  // namespace

void add_fetch(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("fetch", "Download data sets from where they are published, verify, unpack");
  const auto request = std::make_shared<FetchRequest>();
  CLI::Option* names = command->add_option("NAME", request->names, "Data sets, e.g. cifar10; --list names all");
  command->add_flag("--list", request->list, "Names, sizes, sources and sums, and what is there already")
      ->excludes(names);
  command->add_option("--data", flags.data, "Folder of the data sets; without it SACCADE_DATA")->type_name("DIR");
  command
      ->add_option("--url", request->mirror, "Take the archives from BASE/FILE instead; the sums must be the same ones")
      ->envname("SACCADE_FETCH_URL")
      ->type_name("BASE");
  add_output_flags(*command, flags);
  add_example(*command, "saccade fetch cifar10 mnist --data data");
  command->callback([&flags, request] {
    if (request->list) {
      list_sets(flags);
    } else if (request->names.empty()) {
      throw InputError("fetch: expected the names of data sets; saccade fetch --list tells them");
    } else {
      flags.exit_code = fetch_sets(*request, flags);
    }
  });
}

}  // namespace saccade
