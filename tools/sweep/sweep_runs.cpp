#include "tools/sweep/sweep_runs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "engine/error.h"
#include "tools/lock_folder.h"
#include "tools/replace_file.h"
#include "tools/run/interrupt.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"
#include "tools/sweep/process_pool.h"
#include "tools/sweep/study_results.h"

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
    fmt::print(stderr, fmt::runtime(terminal_ ? "\r{}\033[K" : "{}\n"), text);
    std::fflush(stderr);
    shown_ = true;
  }

  /// A line that stays.
  void say(const std::string& text) {
    fmt::print(stderr, "{}saccade: {}\n", shown_ && terminal_ ? "\r\033[K" : "", text);
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
          const CommonFlags& flags)
      : folder_(folder),
        study_(study),
        runs_(runs),
        flags_(flags),
        left_(unfinished()),
        done_(runs.size() - left_.size()),
        progress_(runs.size(), done_, flags.quiet) {
    for (const char* below : {"runs", "logs", "failed"}) fs::create_directories(folder_.folder / below);
  }

  int run(std::size_t jobs) {
    ProcessPool pool;
    bool told = false;
    for (std::size_t next = 0; pool.running() > 0 || (next < left_.size() && !interrupted());) {
      if (interrupted() && !told) {
        pool.interrupt();
        told = true;
      }
      if (const auto one = pool.ended())
        end(*one);
      else if (!interrupted() && next < left_.size() && pool.running() < jobs)
        start(pool, left_[next++]);
      else
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      progress_.update(done_, pool.running(), failed_);
    }
    return interrupted() ? 130 : failed_ > 0 ? 1 : 0;
  }

 private:
  /// Indices of runs.
  std::vector<std::size_t> unfinished() const {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < runs_.size(); ++i)
      if (!read_run(folder_, study_, *runs_[i]).ended()) left.push_back(i);
    return left;
  }

  void start(ProcessPool& pool, std::size_t index) {
    const StudyRun& run = *runs_[index];
    const fs::path out = folder_.run(run.name);
    fs::remove(folder_.failure(run.name));
    if (!free_within_seconds(out)) {
      if (!interrupted()) fail(run, "another process is at work in its folder");
      return;
    }
    if (const StudyResult found = read_run(folder_, study_, run); found.state == RunState::failed)
      return fail(run, found.error);
    const bool begun = fs::exists(RunFolder{out}.experiment());
    std::vector<std::string> line{study_.command()};
    if (begun) {
      line.insert(line.end(), {"--resume", out.string()});
    } else {
      fs::remove_all(out);  // of a run that was killed before it had anything to resume
      if (!study_.base_text.empty()) line.push_back(folder_.base().string());
      for (const std::string& assignment : run.overrides) line.insert(line.end(), {"--set", assignment});
      line.insert(line.end(), {"--out", out.string()});
    }
    if (!flags_.data.empty()) line.insert(line.end(), {"--data", flags_.data.string()});
    line.insert(line.end(),
                {"--threads", "1", "--device", flags_.device, "--quiet", "--baselines", folder_.baselines().string()});
    pool.start(index, line, folder_.log(run.name));
  }

  void end(const ProcessPool::Ended& one) {
    const StudyRun& run = *runs_[one.id];
    const StudyResult result = read_run(folder_, study_, run);
    if (result.ended()) {  // with code 1 where measure.collapse stopped it
      ++done_;
    } else if (result.state == RunState::failed) {
      fail(run, result.error);
    } else if (one.signal != 0) {
      fail(run, fmt::format("ended by signal {} ({})", one.signal, ::strsignal(one.signal)));
    } else if (one.code != 130) {
      const std::string words = last_words(folder_.log(run.name));
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
  std::vector<std::size_t> left_;
  std::size_t done_, failed_ = 0;
  RunsProgress progress_;
};

}  // namespace

int make_runs(const StudyFolder& folder, const Study& study, const std::vector<const StudyRun*>& runs,
              const CommonFlags& flags, std::size_t jobs) {
  return Sweeper(folder, study, runs, flags).run(jobs);
}

}  // namespace saccade
