#include "engine/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "engine/error.h"
#include "engine/file_system.h"
#include "engine/hash.h"

namespace saccade {
namespace {

constexpr std::size_t generations_kept = 2;

bool is_bookkeeping(std::string_view name) { return name.starts_with("record."); }

template <class Entries>
auto* find(Entries& entries, const std::string& name) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

template <class Entry>
const Entry& expect(const Entry* entry, const char* what, const std::string& name) {
  if (entry == nullptr) throw InputError("checkpoint: has no " + std::string(what) + " \"" + name + "\"");
  return *entry;
}

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view suffix = ".ckpt";
constexpr std::string_view temporary_suffix = ".ckpt.tmp";

/// The event number in "checkpoint-EVENT<suffix>"; nothing for other names.
std::optional<std::uint64_t> generation(std::string_view name, std::string_view ending) {
  if (!name.starts_with(prefix) || !name.ends_with(ending) || name.size() < prefix.size() + ending.size()) return {};
  const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - ending.size());
  std::uint64_t event = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), event);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return {};
  return event;
}

std::filesystem::path generation_file(const std::filesystem::path& folder, std::uint64_t event) {
  return folder / (std::string(prefix) + std::to_string(event) + std::string(suffix));
}

/// Event numbers of the generations in a folder, newest first.
std::vector<std::uint64_t> generations(FileSystem& files, const std::filesystem::path& folder) {
  std::vector<std::uint64_t> events;
  for (const std::string& name : files.list(folder)) {
    const auto event = generation(name, suffix);
    if (event && generation_file({}, *event) == name) events.push_back(*event);
  }
  std::sort(events.rbegin(), events.rend());
  return events;
}

bool loads(FileSystem& files, const std::filesystem::path& file) {
  try {
    load_checkpoint(files, file);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

const Tensor* Checkpoint::find_tensor(const std::string& name) const { return find(tensors, name); }

const Tensor& Checkpoint::tensor(const std::string& name) const { return expect(find(tensors, name), "tensor", name); }

const std::vector<std::int64_t>& Checkpoint::integer_values(const std::string& name) const {
  return expect(find(integers, name), "integers", name).values;
}

const std::vector<double>& Checkpoint::real_values(const std::string& name) const {
  return expect(find(reals, name), "reals", name).values;
}

std::string fingerprint(const Checkpoint& checkpoint) {
  Hash hash;
  hash.add(checkpoint.event);
  for (const Tensor& tensor : checkpoint.tensors) {
    if (is_bookkeeping(tensor.name)) continue;
    hash.add("tensor");
    hash.add(tensor.name);
    hash.add_array(tensor.shape);
    hash.add_array(tensor.data);
  }
  for (const auto& integers : checkpoint.integers) {
    if (is_bookkeeping(integers.name)) continue;
    hash.add("integers");
    hash.add(integers.name);
    hash.add_array(integers.values);
  }
  for (const auto& reals : checkpoint.reals) {
    if (is_bookkeeping(reals.name)) continue;
    hash.add("reals");
    hash.add(reals.name);
    hash.add_array(reals.values);
  }
  return hash.hex();
}

std::filesystem::path save_generation(FileSystem& files, const std::filesystem::path& folder,
                                      const Checkpoint& checkpoint) {
  const std::filesystem::path file = generation_file(folder, checkpoint.event);
  save_checkpoint(files, file, checkpoint);
  // Kept are this one and the newest before it that loads. One that was found damaged must not push out a good one;
  // later ones, which a resumed run passes over, will be replaced when the run gets there.
  std::size_t kept = 1;
  for (const std::uint64_t event : generations(files, folder)) {
    if (event >= checkpoint.event) continue;
    const std::filesystem::path older = generation_file(folder, event);
    if (kept < generations_kept && loads(files, older)) {
      ++kept;
    } else {
      files.remove(older);
    }
  }
  for (const std::string& name : files.list(folder)) {
    if (generation(name, temporary_suffix)) files.remove(folder / name);  // left by a crash
  }
  return file;
}

std::optional<Checkpoint> load_newest(FileSystem& files, const std::filesystem::path& folder, std::string& warning) {
  warning.clear();
  for (const std::uint64_t event : generations(files, folder)) {
    try {
      Checkpoint checkpoint = load_checkpoint(files, generation_file(folder, event));
      if (!warning.empty()) warning += "; taken is " + generation_file(folder, event).filename().string();
      return checkpoint;
    } catch (const InputError& error) {
      warning += (warning.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  return std::nullopt;
}

}  // namespace saccade
