#include "tools/sweep/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/device.h"
#include "engine/error.h"
#include "tools/experiment/idle_keys.h"
#include "tools/experiment/preset.h"
#include "tools/lock_folder.h"
#include "tools/replace_file.h"
#include "tools/run/interrupt.h"
#include "tools/run/replay.h"
#include "tools/sweep/study_report.h"
#include "tools/sweep/study_results.h"
#include "tools/sweep/sweep_runs.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// Cores that this process may use: a job of a scheduler is often given fewer than the machine has.
std::size_t cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

Study kept_study(const StudyFolder& folder) { return load_study(folder.sweep(), folder.base()); }

/// A study as asked for or as kept.
struct Asked {
  Study study;
  std::vector<StudyRun> runs;
};

/// What is odd about a study, or about some of its runs.
void warn(const Study& study, const std::vector<StudyRun>& runs) {
  if (!study.warning.empty()) tell("warning: {}", study.warning);
  std::map<std::string, std::size_t> idle;
  for (const StudyRun& run : runs)
    for (const std::string& key : idle_keys(run.experiment, study.mode)) ++idle[key];
  for (const auto& [key, count] : idle) tell("warning: {} (in {} of {} runs)", key, count, runs.size());
}

/// Refuses what cannot be met; writes nothing.
Asked read_study(const SweepRequest& request) {
  const CommonFlags& flags = request.flags;
  if (!flags.resume.empty()) {
    if (!request.study.empty() || !flags.out.empty())
      throw InputError("sweep: --resume DIR goes on with a study as it is; leave out the study's file and --out");
    const StudyFolder folder = open_study_folder(flags.resume, "--resume");
    Study study = kept_study(folder);
    std::vector<StudyRun> runs = study_runs(study);
    check_runs(folder, study, runs);
    return {std::move(study), std::move(runs)};
  }
  if (request.study.empty())
    throw InputError("sweep: which study? Give its file or its name (--list), or --resume DIR to go on with one");
  if (flags.out.empty())
    throw InputError("sweep: where should the study go? Give --out DIR (or --resume DIR to go on with one)");
  Study study = load_study(request.study);
  std::vector<StudyRun> runs = study_runs(study);
  warn(study, runs);
  return {std::move(study), std::move(runs)};
}

/// Its folder, made where it is not there.
StudyFolder folder_of(const SweepRequest& request, const Study& study, bool shared) {
  const CommonFlags& flags = request.flags;
  return flags.resume.empty() ? create_study_folder(flags.out, request.study, study, data_folder(flags), shared)
                              : StudyFolder{flags.resume};
}

/// On a GPU one learner leaves most of the card idle, and one launch serves all that advance together.
constexpr std::size_t together_on_gpu = 64, together_on_cpu = 1;

std::size_t together(const SweepRequest& request) {
  if (request.together > 0) return request.together;
  CommonFlags flags = request.flags;
  flags.quiet = true;
  return make_device(flags)->name() == "cuda" ? together_on_gpu : together_on_cpu;
}

StudyResults write_results(const StudyFolder& folder, const Study& study) {
  StudyResults results = read_study_results(folder, study);
  write_study_results(results, folder);
  return results;
}

void say(const StudyFolder& folder, const StudyResults& results, const CommonFlags& flags) {
  constexpr std::array rest{RunState::diverged, RunState::collapsed, RunState::failed, RunState::begun,
                            RunState::missing};
  if (flags.json) {
    nlohmann::ordered_json json{
        {"title", results.study.title}, {"runs", results.runs.size()}, {"finished", results.count(RunState::finished)}};
    for (const RunState state : rest) json[to_string(state)] = results.count(state);
    json["not_in_study"] = results.others;
    json["results"] = folder.results().string();
    json["measures"] = folder.measures().string();
    json["report"] = folder.report().string();
    fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return;
  }
  std::string text = fmt::format("{} of {} runs finished", results.count(RunState::finished), results.runs.size());
  for (const RunState state : rest)
    if (const std::size_t count = results.count(state); count > 0)
      text += fmt::format(", {} {}", count, state == RunState::missing ? "not begun" : to_string(state));
  fmt::print("{}\n", text);
  for (const StudyResult& one : results.runs)
    if (!one.finished())
      fmt::print("  {}: {}{}{}\n", one.run.name, to_string(one.state), one.error.empty() ? "" : ": ", one.error);
  if (!results.others.empty()) fmt::print("no longer in the study, left out: {}\n", fmt::join(results.others, ", "));
  fmt::print("table: {}\nreport: {}\n", folder.results().string(), folder.report().string());
}

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const std::size_t slash = text.find('/');
  const auto number = [](std::string_view part, std::size_t& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size();
  };
  const std::string_view view = text;
  if (slash == std::string::npos || !number(view.substr(0, slash), shard.number) ||
      !number(view.substr(slash + 1), shard.of) || shard.number < 1 || shard.number > shard.of)
    throw InputError(fmt::format("--shard {}: expected K/N with K from 1 to N, such as 2/8", text));
  return shard;
}

int sweep(const SweepRequest& request) {
  const bool part = !request.shard.empty();
  const Shard shard = part ? parse_shard(request.shard) : Shard{};
  const Asked asked = read_study(request);
  if (request.flags.device == "cuda") make_gpu_device();  // or every run would refuse
  const StudyFolder folder = folder_of(request, asked.study, part);
  // Parts of a study work side by side; a whole one has its folder alone.
  const std::shared_ptr<void> lock =
      part ? nullptr : lock_folder(folder.folder, request.flags.resume.empty() ? "--out" : "--resume");
  catch_interrupts();
  std::vector<const StudyRun*> runs;
  for (std::size_t i = 0; i < asked.runs.size(); ++i)
    if (i % shard.of == shard.number - 1) runs.push_back(&asked.runs[i]);
  CommonFlags flags = request.flags;
  flags.data = data_folder(flags, remembered_data_folder({folder.folder}));
  const int code =
      make_runs(folder, asked.study, runs, flags, {request.jobs > 0 ? request.jobs : cores(), together(request)});
  if (!part)
    say(folder, write_results(folder, asked.study), flags);
  else if (!flags.quiet && code != 130)
    fmt::print("{} runs of part {} are done; when all parts are: saccade sweep --merge {}\n", runs.size(),
               request.shard, folder.folder.string());
  if (code == 130) tell("interrupted; go on with: saccade sweep --resume {}", folder.folder.string());
  return code;
}

int sweep_together(const std::vector<std::string>& names, const CommonFlags& asked) {
  const StudyFolder folder = open_study_folder(asked.resume, "--resume");
  const std::vector<StudyRun> runs = study_runs(kept_study(folder));
  std::vector<TogetherRun> members;
  for (const std::string& name : names) {
    const auto found = std::find_if(runs.begin(), runs.end(), [&](const StudyRun& run) { return run.name == name; });
    if (found == runs.end())
      throw InputError(fmt::format("--member {}: no run of {} has this name", name, folder.sweep().string()));
    members.push_back({folder.run(name), found->experiment});
  }
  CommonFlags flags = asked;
  flags.threads = 1;
  flags.baselines = folder.baselines();
  flags.data = data_folder(flags, remembered_data_folder(RunFolder{folder.folder}));
  return replay_together(members, flags);
}

int merge_study(const fs::path& path, const CommonFlags& flags) {
  const StudyFolder folder = open_study_folder(path, "--merge");
  const Study study = kept_study(folder);
  check_runs(folder, study, study_runs(study));
  const StudyResults results = write_results(folder, study);
  say(folder, results, flags);
  return results.ended() == results.runs.size() ? 0 : 1;
}

int sweep_with_slurm(const SweepRequest& request, const SlurmResources& resources, bool submit) {
  if (!request.shard.empty()) throw InputError("sweep: --slurm makes the parts itself; leave out --shard");
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const CommonFlags& flags = request.flags;
  const Asked asked = read_study(request);
  const auto scripts_for = [&](const fs::path& study) {
    return slurm_scripts(program, study, asked.runs.size(), resources, flags.device);
  };
  scripts_for(fs::absolute(flags.resume.empty() ? flags.out : flags.resume));  // refuses before anything is written
  const fs::path study = fs::canonical(folder_of(request, asked.study, true).folder), files = study / "slurm";
  const SlurmScripts scripts = scripts_for(study);
  fs::create_directories(files);
  replace_file(files / "part.sbatch", scripts.part);
  replace_file(files / "merge.sbatch", scripts.merge);
  replace_file(files / "submit.sh", scripts.submit);
  const std::string line = "sh " + shell_quoted((files / "submit.sh").string());
  if (!submit) {
    fmt::print("{} runs; submit them with: {}\n", asked.runs.size(), line);
    return 0;
  }
  std::fflush(stdout);
  if (const int status = std::system(line.c_str()); status != 0)
    throw SystemError(fmt::format("--submit: {} failed; is Slurm's sbatch here?", line));
  return 0;
}

fs::path study_file(const std::string& name) {
  if (name.ends_with(".toml") || name.find('/') != std::string::npos) return name;
  const fs::path file = shipped_folder("studies", "SACCADE_STUDIES") / (name + ".toml");
  if (fs::exists(file)) return file;
  throw InputError(
      fmt::format("there is no study \"{}\"; saccade sweep --list lists them (a file's name ends in .toml)", name));
}

std::string list_studies() {
  std::vector<fs::path> files;
  for (const fs::directory_entry& one : fs::directory_iterator(shipped_folder("studies", "SACCADE_STUDIES")))
    if (one.path().extension() == ".toml") files.push_back(one.path());
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path& file : files) {
    const Study study = load_study(file);
    text += fmt::format("{}: {} ({} points, {} seeds)\n  {}\n", file.stem().string(), study.title, study.points.size(),
                        study.seeds.size(), study.question);
  }
  return text;
}

}  // namespace saccade
