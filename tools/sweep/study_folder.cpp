#include "tools/sweep/study_folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/run/run_folder.h"
#include "tools/shared_file.h"

namespace saccade {

namespace fs = std::filesystem;

void check_runs(const StudyFolder& folder, const Study& study, const std::vector<StudyRun>& runs) {
  const auto differs = [&](const StudyRun& run) {
    const fs::path file = RunFolder{folder.run(run.name)}.experiment();
    try {
      return fs::exists(file) && load_experiment(file, {}, study.mode) != run.experiment;
    } catch (const InputError&) {
      return false;
    }
  };
  for (const StudyRun& run : runs)
    if (differs(run))
      throw InputError(
          fmt::format("{}: this run is not what {} says; was it edited? Put it back (more points and seeds may be "
                      "added), or begin a new study",
                      folder.run(run.name).string(), folder.sweep().string()));
}

std::vector<std::string> other_runs(const StudyFolder& folder, const std::vector<StudyRun>& runs) {
  std::vector<std::string> others;
  if (!fs::is_directory(folder.folder / "runs")) return others;
  for (const fs::directory_entry& one : fs::directory_iterator(folder.folder / "runs"))
    if (const std::string name = one.path().filename().string();
        one.is_directory() &&
        std::none_of(runs.begin(), runs.end(), [&](const StudyRun& run) { return run.name == name; }))
      others.push_back(name);
  std::sort(others.begin(), others.end());
  return others;
}

StudyFolder create_study_folder(const fs::path& out, const fs::path& sweep, const Study& study, const fs::path& data,
                                bool shared) {
  const StudyFolder folder{out};
  const std::string text = read_text(sweep);
  if (shared && fs::exists(folder.sweep())) {
    if (read_text(folder.sweep()) != text || (!study.base_text.empty() && read_text(folder.base()) != study.base_text))
      throw InputError(fmt::format("--out {}: this folder holds another study than {}; choose another folder",
                                   out.string(), sweep.string()));
    return folder;
  }
  if (!shared || !fs::exists(out)) create_run_folder(out);  // checked and made; its lock ends here
  const auto publish = [](const fs::path& file, const std::string& bytes) {
    publish_file(file, [&](const fs::path& own) { replace_file(own, bytes); });
  };
  // The study last: where it stands, --resume has all that it needs.
  publish(RunFolder{out}.data_folder(), fs::absolute(data.empty() ? "." : data).string() + "\n");
  if (!study.base_text.empty()) publish(folder.base(), study.base_text);
  publish(folder.sweep(), text);
  return folder;
}

StudyFolder open_study_folder(const fs::path& path, const char* flag) {
  const StudyFolder folder{path};
  if (!fs::is_regular_file(folder.sweep()))
    throw InputError(
        fmt::format("{} {}: no sweep.toml in it, so it is not the folder of a study", flag, path.string()));
  return folder;
}

}  // namespace saccade
