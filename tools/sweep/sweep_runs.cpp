#include "tools/sweep/sweep_runs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/file_system.h"
#include "tools/lock_folder.h"
#include "tools/replace_file.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"
#include "tools/run/together.h"
#include "tools/sweep/process_pool.h"
#include "tools/sweep/study_results.h"
#include "tools/tell.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// How far the runs are: one line that is written over on a terminal, a line every 5 s elsewhere; nothing before 2 s.
class RunsProgress {
 public:
  RunsProgress(std::size_t total, std::size_t done, bool quiet)
      : total_(total),
        before_(done),
        ended_(done),
        quiet_(quiet),
        terminal_(isatty(STDERR_FILENO) != 0),
        begin_(Clock::now()),
        next_(begin_ + std::chrono::seconds(2)) {}
  ~RunsProgress() {
    if (shown_ && terminal_) std::fputc('\n', stderr);
  }
  RunsProgress(const RunsProgress&) = delete;
  RunsProgress& operator=(const RunsProgress&) = delete;

  void update(std::size_t done, std::size_t running, std::size_t failed) {
    if (done + failed > ended_) ended_ = done + failed, last_ = Clock::now();
    if (quiet_ || Clock::now() < next_) return;
    next_ = Clock::now() + std::chrono::seconds(terminal_ ? 1 : 5);
    std::string text = fmt::format("sweep: {} of {} runs done, {} running", done, total_, running);
    if (failed > 0) text += fmt::format(", {} failed", failed);
    if (ended_ > before_) {
      // As many seconds a run as up to the last one that ended.
      const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
      const double each = seconds(last_ - begin_) / static_cast<double>(ended_ - before_);
      const double left = each * static_cast<double>(total_ - ended_) - seconds(Clock::now() - last_);
      text +=
          fmt::format(", about {} left", duration_text(std::max(left, each * static_cast<double>(running > 0) / 2)));
    }
    put_on_stderr(fmt::format(fmt::runtime(terminal_ ? "\r{}\033[K" : "{}\n"), text));
    std::fflush(stderr);
    shown_ = true;
  }

  /// A line that stays.
  void say(const std::string& text) {
    put_on_stderr(fmt::format("{}saccade: {}\n", shown_ && terminal_ ? "\r\033[K" : "", text));
  }

 private:
  std::size_t total_, before_, ended_;
  bool quiet_, terminal_, shown_ = false;
  Clock::time_point begin_, last_ = begin_, next_;
};

/// What a run that failed said: its last line that is no warning.
std::string last_words(const fs::path& log) {
  std::ifstream in(log);
  std::string line, last;
  constexpr std::string_view prefix = "saccade: ";
  while (std::getline(in, line))
    if (line.starts_with(prefix) && !line.starts_with("saccade: warning")) last = line.substr(prefix.size());
  return last;
}

/// A run whose process was killed a moment ago, or that another part of the study is at: waits a little for it.
bool free_within_seconds(const fs::path& run) {
  if (!fs::exists(run)) return true;
  for (const auto end = Clock::now() + std::chrono::seconds(10);;) {
    try {
      lock_folder(run, "--resume");
      return true;
    } catch (const InputError&) {
      if (interrupted() || Clock::now() > end) return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

class Sweeper {
 public:
  Sweeper(const StudyFolder& folder, const Study& study, const std::vector<const StudyRun*>& runs,
          const CommonFlags& flags, const SweepPlan& plan)
      : folder_(folder),
        study_(study),
        runs_(runs),
        flags_(flags),
        plan_(plan),
        left_(unfinished()),
        done_(runs.size() - left_.size()),
        progress_(runs.size(), done_, flags.quiet) {
    for (const char* below : {"runs", "logs", "failed"}) fs::create_directories(folder_.folder / below);
    make_groups();
  }

  int run() {
    ProcessPool pool;
    bool told = false;
    for (std::size_t next = 0; pool.running() > 0 || (next < groups_.size() && !interrupted());) {
      if (interrupted() && !told) {
        pool.interrupt();
        told = true;
      }
      if (const auto one = pool.ended())
        end(*one);
      else if (!interrupted() && next < groups_.size() && pool.running() < plan_.jobs)
        start(pool, next++);
      else
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      progress_.update(done_, pool.running(), failed_);
    }
    return interrupted() ? 130 : failed_ > 0 ? 1 : 0;
  }

 private:
  /// Indices of runs that can advance together, and what they have in common.
  struct Group {
    std::vector<std::size_t> runs;
    std::optional<Experiment> shared;
    std::optional<std::uint64_t> stands;
  };

  /// Indices of runs.
  std::vector<std::size_t> unfinished() const {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < runs_.size(); ++i)
      if (!read_run(folder_, study_, *runs_[i]).ended()) left.push_back(i);
    return left;
  }

  /// What advances together: runs whose experiments allow it and that stand behind the same view.
  void make_groups() {
    std::vector<Group> classes;
    for (const std::size_t index : left_) {
      const StudyRun& run = *runs_[index];
      const std::optional<Experiment> shared = study_.mode == Mode::event && plan_.together > 1
                                                   ? shared_experiment(run.experiment)
                                                   : std::optional<Experiment>();
      const std::optional<std::uint64_t> stands = shared ? newest_view(folder_.run(run.name)) : std::nullopt;
      const auto with = std::find_if(classes.begin(), classes.end(), [&](const Group& one) {
        return shared && one.shared == shared && one.stands == stands && one.runs.size() < plan_.together;
      });
      if (with != classes.end())
        with->runs.push_back(index);
      else
        classes.push_back({{index}, shared, stands});
    }
    for (Group& one : classes) groups_.push_back(std::move(one.runs));
  }

  /// Behind which view a run would go on; nothing where it would begin.
  static std::optional<std::uint64_t> newest_view(const fs::path& run) {
    std::string warning;
    const std::optional<Checkpoint> checkpoint =
        fs::exists(run) ? load_newest(real_files(), run, warning) : std::nullopt;
    return checkpoint ? std::optional(checkpoint->event) : std::nullopt;
  }

  /// Whether it can be run now.
  bool ready(const StudyRun& run) {
    fs::remove(folder_.failure(run.name));
    if (!free_within_seconds(folder_.run(run.name))) {
      if (!interrupted()) fail(run, "another process is at work in its folder");
      return false;
    }
    if (const StudyResult found = read_run(folder_, study_, run); found.state == RunState::failed) {
      fail(run, found.error);
      return false;
    }
    if (!begun(run)) fs::remove_all(folder_.run(run.name));  // killed before it had anything to resume
    return true;
  }

  bool begun(const StudyRun& run) const { return fs::exists(RunFolder{folder_.run(run.name)}.experiment()); }

  void start(ProcessPool& pool, std::size_t number) {
    std::vector<std::size_t>& group = groups_[number];
    std::erase_if(group, [&](std::size_t index) { return !ready(*runs_[index]); });
    if (group.empty()) return;
    std::vector<std::string> line = group.size() == 1 ? alone(*runs_[group.front()]) : together(group);
    if (!flags_.data.empty()) line.insert(line.end(), {"--data", flags_.data.string()});
    line.insert(line.end(), {"--device", flags_.device, "--quiet"});
    pool.start(number, line, log_of(group));
  }

  std::vector<std::string> alone(const StudyRun& run) const {
    std::vector<std::string> line{study_.command()};
    const std::string out = folder_.run(run.name).string();
    if (begun(run)) {
      line.insert(line.end(), {"--resume", out});
    } else {
      if (!study_.base_text.empty()) line.push_back(folder_.base().string());
      for (const std::string& assignment : run.overrides) line.insert(line.end(), {"--set", assignment});
      line.insert(line.end(), {"--out", out});
    }
    line.insert(line.end(), {"--threads", "1", "--baselines", folder_.baselines().string()});
    return line;
  }

  std::vector<std::string> together(const std::vector<std::size_t>& group) const {
    std::vector<std::string> line{"sweep", "--resume", folder_.folder.string()};
    for (const std::size_t index : group) line.insert(line.end(), {"--member", runs_[index]->name});
    return line;
  }

  /// Of several runs, the first one's.
  fs::path log_of(const std::vector<std::size_t>& group) const { return folder_.log(runs_[group.front()]->name); }

  void end(const ProcessPool::Ended& one) {
    const std::vector<std::size_t>& group = groups_[one.id];
    for (const std::size_t index : group) end(*runs_[index], one, log_of(group));
  }

  void end(const StudyRun& run, const ProcessPool::Ended& one, const fs::path& log) {
    const StudyResult result = read_run(folder_, study_, run);
    if (result.ended()) {  // with code 1 where measure.collapse stopped it
      ++done_;
    } else if (result.state == RunState::failed) {
      fail(run, result.error);
    } else if (one.signal != 0) {
      fail(run, fmt::format("ended by signal {} ({})", one.signal, ::strsignal(one.signal)));
    } else if (one.code != 130) {
      const std::string words = last_words(log);
      fail(run, words.empty() ? fmt::format("exit code {}", one.code) : words);
    }
  }

  void fail(const StudyRun& run, const std::string& why) {
    ++failed_;
    replace_file(folder_.failure(run.name), why + "\n");
    progress_.say(fmt::format("run {} failed: {}", run.name, why));
  }

  const StudyFolder& folder_;
  const Study& study_;
  const std::vector<const StudyRun*>& runs_;
  const CommonFlags& flags_;
  const SweepPlan& plan_;
  std::vector<std::size_t> left_;
  std::size_t done_, failed_ = 0;
  RunsProgress progress_;
  std::vector<std::vector<std::size_t>> groups_;  ///< indices of runs: a process each
};

}  // namespace

int make_runs(const StudyFolder& folder, const Study& study, const std::vector<const StudyRun*>& runs,
              const CommonFlags& flags, const SweepPlan& plan) {
  return Sweeper(folder, study, runs, flags, plan).run();
}

}  // namespace saccade
