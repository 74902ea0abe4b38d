#include "tools/run/kept_records.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"

namespace saccade {
namespace {

constexpr std::size_t piece = 1 << 20;

std::vector<std::int64_t> words(const std::string& hex) {
  const auto word = [&](std::size_t at) {
    return static_cast<std::int64_t>(std::stoull(hex.substr(at, 16), nullptr, 16));
  };
  return {word(0), word(16)};
}

constexpr std::string_view prefix = "record.kept_";

}  // namespace

void KeptRecords::load(const Checkpoint& checkpoint) {
  expected_.clear();
  for (const Checkpoint::Integers& integers : checkpoint.integers) {
    if (!integers.name.starts_with(prefix)) continue;
    if (integers.values.size() != 3 || integers.values[2] < 0)
      throw InputError(fmt::format("checkpoint: {} is no hash and number of bytes", integers.name));
    expected_[integers.name.substr(prefix.size())] = integers.values;
  }
}

void KeptRecords::check(FileSystem& files, const std::string& name, const std::filesystem::path& file) {
  const auto expected = expected_.find(name);
  if (expected == expected_.end()) return;
  const auto bytes = static_cast<std::uint64_t>(expected->second[2]);
  Part part;
  if (!grow(files, part, file, bytes))
    throw InputError(fmt::format("{}: found {} bytes, the checkpoint expects at least {}; put back what the run left",
                                 file.string(), files.exists(file) ? files.size(file) : 0, bytes));
  const std::vector<std::int64_t> found = words(part.hash.hex());
  if (!std::equal(found.begin(), found.end(), expected->second.begin()))
    throw InputError(
        fmt::format("{}: its first {} bytes are not those that the checkpoint was made with (damaged, "
                    "edited or of another run); put back what the run left",
                    file.string(), bytes));
  parts_[name] = std::move(part);
}

void KeptRecords::save(FileSystem& files, Checkpoint& checkpoint, const std::string& name,
                       const std::filesystem::path& file, std::uint64_t bytes) {
  Part& part = parts_[name];
  if (!grow(files, part, file, bytes))
    throw SystemError(
        fmt::format("{}: has fewer than the {} bytes that this run has written: it was replaced or cut "
                    "while the run goes on",
                    file.string(), bytes));
  std::vector<std::int64_t> values = words(part.hash.hex());
  values.push_back(static_cast<std::int64_t>(bytes));
  checkpoint.integers.push_back({std::string(prefix) + name, std::move(values)});
}

void KeptRecords::save_anew(FileSystem& files, Checkpoint& checkpoint, const std::string& name,
                            const std::filesystem::path& file) {
  parts_.erase(name);
  save(files, checkpoint, name, file, files.exists(file) ? files.size(file) : 0);
}

bool KeptRecords::grow(FileSystem& files, Part& part, const std::filesystem::path& file, std::uint64_t bytes) {
  if (bytes > part.bytes && (!files.exists(file) || files.size(file) < bytes)) return false;
  while (part.bytes < bytes) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes - part.bytes, piece));
    const std::vector<std::uint8_t> read = files.read(file, part.bytes, size);
    if (read.empty()) return false;
    part.hash.add_bytes(read.data(), read.size());
    part.bytes += read.size();
  }
  return true;
}

void save_hash(Checkpoint& checkpoint, const std::string& name, const std::string& hex) {
  checkpoint.integers.push_back({name, words(hex)});
}

bool is_saved_hash(const Checkpoint& checkpoint, const std::string& name, const std::string& hex) {
  return std::all_of(checkpoint.integers.begin(), checkpoint.integers.end(), [&](const Checkpoint::Integers& saved) {
    return saved.name != name || saved.values == words(hex);
  });
}

}  // namespace saccade
