#include "tools/run/probe_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>

#include "engine/error.h"
#include "tools/read_text.h"
#include "tools/replace_file.h"

namespace saccade {
namespace {

constexpr std::string_view header = "event,network,test,layer,features,accuracy,protocol";

template <class T>
bool parse(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

ProbeLog::ProbeLog(std::filesystem::path file, std::optional<std::uint64_t> resume_event, FileSystem& files)
    : files_(files), file_(std::move(file)) {
  if (!resume_event || !files_.exists(file_)) return;
  std::istringstream in(read_text(file_, files_));
  std::string line;
  if (!std::getline(in, line) || line != header)
    throw InputError(fmt::format("{}, line 1: found \"{:.60}\", expected \"{}\"", file_.string(), line, header));
  bool beyond = false;
  for (int number = 2; std::getline(in, line); ++number) {
    Row row{};
    std::vector<std::string_view> fields;
    std::string_view rest = line;
    for (std::size_t comma; fields.size() < 6 && (comma = rest.find(',')) != std::string_view::npos;
         rest.remove_prefix(comma + 1))
      fields.push_back(rest.substr(0, comma));
    if (fields.size() != 6 || !parse(fields[0], row.event) || !parse(fields[3], row.result.layer) ||
        !parse(fields[4], row.result.features) || !parse(fields[5], row.result.accuracy) || rest.size() < 2)
      throw InputError(
          fmt::format("{}, line {}: found \"{:.60}\", expected a row of {}", file_.string(), number, line, header));
    row.network = fields[1];
    row.deformed = fields[2] == "deformed";
    row.result.protocol = rest.substr(1, rest.size() - 2);
    if (row.event <= *resume_event)
      rows_.push_back(row);
    else
      beyond = true;
  }
  if (beyond) write();  // a checkpoint tells what the file holds, and must not tell of rows that will be made again
}

void ProbeLog::add(std::uint64_t event, const std::string& network, const ProbeResults& results) {
  std::erase_if(rows_, [&](const Row& row) { return row.event == event && row.network == network; });
  for (const ProbeResult& result : results.plain) rows_.push_back({event, network, false, result});
  for (const ProbeResult& result : results.deformed) rows_.push_back({event, network, true, result});
  write();
}

bool ProbeLog::has(const std::string& network) const {
  return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.network == network; });
}

bool ProbeLog::has(const std::string& network, std::uint64_t event) const {
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const Row& row) { return row.network == network && row.event == event; });
}

ProbeResults ProbeLog::latest(const std::string& network) const {
  const std::vector<std::uint64_t> all = events(network);
  return all.empty() ? ProbeResults{} : at(network, all.back());
}

std::vector<std::uint64_t> ProbeLog::events(const std::string& network) const {
  std::set<std::uint64_t> events;
  for (const Row& row : rows_)
    if (row.network == network) events.insert(row.event);
  return {events.begin(), events.end()};
}

ProbeResults ProbeLog::at(const std::string& network, std::uint64_t event) const {
  ProbeResults results;
  for (const Row& row : rows_)
    if (row.network == network && row.event == event)
      (row.deformed ? results.deformed : results.plain).push_back(row.result);
  return results;
}

void ProbeLog::write() const {
  std::string text = fmt::format("{}\n", header);
  for (const Row& row : rows_)
    text += fmt::format("{},{},{},{},{},{},\"{}\"\n", row.event, row.network, row.deformed ? "deformed" : "plain",
                        row.result.layer, row.result.features, row.result.accuracy, row.result.protocol);
  replace_file(file_, text, files_);
}

}  // namespace saccade
