#include "tools/serve/stream_folders.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "tools/lock_folder.h"
#include "tools/replace_file.h"
#include "tools/serve/served_run.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Whether there is something of a run in a folder; a kill between its making and its experiment leaves nothing.
bool holds_run(const fs::path& folder) {
  return std::any_of(fs::directory_iterator(folder), fs::directory_iterator(), [](const fs::directory_entry& entry) {
    return entry.path().extension() == ".ckpt" || entry.path().filename().string().starts_with("arrivals.views");
  });
}

/// The runs below a folder, by name. InputError for what is left of one.
std::vector<fs::path> runs_in(const fs::path& out, FileSystem& files) {
  std::vector<fs::path> runs;
  for (const auto& entry : fs::directory_iterator(out)) {
    if (!entry.is_directory()) continue;
    const fs::path experiment = RunFolder{entry.path()}.experiment();
    if (files.exists(experiment))
      runs.push_back(entry.path());
    else if (holds_run(entry.path()))
      throw InputError(
          fmt::format("{}: is not there, but there are recordings or checkpoints beside it; put it back, "
                      "or move the folder elsewhere to begin this stream anew",
                      experiment.string()));
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

}  // namespace

StreamFolders::StreamFolders(const RunFolder& out, const Experiment& experiment) : out_(out), experiment_(experiment) {
  experiment_.stream.streams = 1;
  for (const fs::path& path : runs_in(out.folder, *out.files)) {
    OpenedRun run = open_run("serve", Mode::served, path, *out.files);
    if (write_experiment(run.experiment) != write_experiment(experiment_))
      throw InputError(fmt::format("{}: is not of the experiment in {}; put the right one back", path.string(),
                                   marker(out.folder).string()));
    ArrivalLog log =
        open_arrivals(run.folder, arrivals_header(experiment_), run.checkpoint ? run.checkpoint->event : 0);
    if (log.names().empty()) log.begin(path.filename().string());
    const std::uint64_t already = log.events().events();
    folders_.push_back({path.filename().string(), std::move(run), std::move(log), already});
  }
}

std::size_t StreamFolders::streams() const {
  const std::lock_guard lock(mutex_);
  return folders_.size();
}

std::optional<ArrivalLogs::Place> StreamFolders::find(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (Folder& folder : folders_)
    if (folder.name == name) return Place{&folder.log, 0};
  return {};
}

ArrivalLogs::Place StreamFolders::begin(const std::string& name) {
  const fs::path path = out_.folder / name;
  if (fs::exists(path) && !fs::is_directory(path))
    throw InputError(fmt::format("stream \"{}\": the server has a file of this name, expected another name", name));
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw InputError(fmt::format("{}: cannot make this folder: {}", path.string(), error.message()));
  const RunFolder folder{path, out_.files, lock_folder(path, "--out")};
  // Before its first event: what has been answered is in the folder of a run.
  replace_file(folder.experiment(), write_experiment(experiment_), *out_.files);
  ArrivalLog log = open_arrivals(folder, arrivals_header(experiment_), 0);
  out_.files->sync_directory(out_.folder);
  const std::lock_guard lock(mutex_);
  Folder& made = folders_.emplace_back(Folder{name, {folder, experiment_, {}}, std::move(log), 0});
  return made.log.begin(name);
}

void StreamFolders::sync() {
  for (Folder* folder : all()) folder->log.sync();
}

std::vector<StreamFolders::Folder*> StreamFolders::all() {
  const std::lock_guard lock(mutex_);
  std::vector<Folder*> all;
  for (Folder& folder : folders_) all.push_back(&folder);
  return all;
}

StreamFolders::Folder& StreamFolders::of(const ArrivalLog* log) {
  for (Folder* folder : all())
    if (&folder->log == log) return *folder;
  throw std::logic_error("an arrival is recorded in no folder");
}

}  // namespace saccade
