#include "tools/run/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tools/lock_folder.h"
#include "tools/read_text.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Asks the file system rather than the permission bits: they do not tell about read-only mounts or the superuser.
bool can_write_in(const fs::path& folder) {
  std::string name = (folder / ".saccade-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) return false;
  close(descriptor);
  unlink(name.c_str());
  return true;
}

}  // namespace

RunFolder create_run_folder(const fs::path& folder, FileSystem& files) {
  if (folder.empty()) throw InputError("--out: expected a folder");
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (fs::exists(status)) {
    if (!fs::is_directory(status))
      throw InputError(fmt::format("--out {}: this is a file, expected a folder", folder.string()));
    const bool empty = fs::is_empty(folder, error);
    if (error) throw InputError(fmt::format("--out {}: cannot read this folder: {}", folder.string(), error.message()));
    if (!empty)
      throw InputError(
          fmt::format("--out {0}: this folder is not empty; choose another, or go on with its run by --resume {0}",
                      folder.string()));
  }
  fs::path topmost_new = folder;
  bool created = false;
  if (!fs::exists(status)) {
    while (topmost_new.has_parent_path() && topmost_new.parent_path() != topmost_new &&
           !fs::exists(topmost_new.parent_path(), error))
      topmost_new = topmost_new.parent_path();
    fs::create_directories(folder, error);
    if (error) {
      std::error_code ignored;
      fs::remove(topmost_new, ignored);
      throw InputError(fmt::format("--out {}: cannot make this folder: {}", folder.string(), error.message()));
    }
    created = true;
  }
  if (!can_write_in(folder)) {
    const std::string reason = std::strerror(errno);
    if (created) fs::remove_all(topmost_new, error);
    throw InputError(fmt::format("--out {}: cannot write in this folder: {}", folder.string(), reason));
  }
  return {folder, &files, lock_folder(folder, "--out")};
}

RunFolder open_run_folder(const fs::path& folder, FileSystem& files) {
  std::error_code error;
  RunFolder run{folder, &files};
  if (!fs::is_directory(folder, error)) throw InputError(fmt::format("--resume {}: no such folder", folder.string()));
  if (!files.exists(run.experiment()))
    throw InputError(fmt::format("--resume {}: {}", folder.string(), no_run_in(run)));
  if (!can_write_in(folder))
    throw InputError(
        fmt::format("--resume {}: cannot write in this folder: {}", folder.string(), std::strerror(errno)));
  run.lock = lock_folder(folder, "--resume");
  return run;
}

std::string no_run_in(const RunFolder& folder) {
  std::string text = "no experiment.toml in it, so it is not the folder of a run";
  std::vector<fs::path> below;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder.folder, error))
    if (fs::exists(RunFolder{entry.path()}.experiment(), error)) below.push_back(entry.path());
  if (!below.empty())
    text += fmt::format("; there are runs in {} folders below it, as {}", below.size(),
                        std::min_element(below.begin(), below.end())->string());
  return text;
}

std::string maker_of(const Checkpoint& checkpoint) {
  for (const std::string command : {"replay", "train", "serve"})
    for (const Checkpoint::Integers& integers : checkpoint.integers)
      if (integers.name == "record." + command && integers.values.size() == 1) return command;
  return {};
}

fs::path remembered_data_folder(const RunFolder& run) {
  if (!run.files->exists(run.data_folder())) return {};
  const std::string text = read_text(run.data_folder(), *run.files);
  return text.substr(0, text.find('\n'));
}

std::string loss_text(const RunSummary& summary) {
  if (std::isnan(summary.loss)) return summary.diverged ? "nan" : "none yet";
  return fmt::format("{:.4f}", summary.loss);
}

std::string seedless(std::string protocol, std::int64_t seed) {
  const std::string said = fmt::format(", seed {};", seed);
  if (const std::size_t at = protocol.find(said); at != std::string::npos)
    protocol.replace(at, said.size(), ", seed of the run;");
  return protocol;
}

}  // namespace saccade
