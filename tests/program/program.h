#pragma once
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tools/temporary_folder.h"

/// The built program, run as a user would run it: as a process of its own, with its streams, signals and exit code.
namespace saccade::program {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;  ///< in addition to that of the tests

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

inline nlohmann::json json_of(const fs::path& file) { return nlohmann::json::parse(text_of(file)); }

struct Outcome {
  int code = -1;    ///< exit code; -1 when a signal ended the program
  int signal = 0;   ///< the signal that ended it
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// A program that runs beside the test. Killed, if it still runs, and waited for by the destructor.
class Process {
 public:
  /// The program with its arguments; `launcher` stands before it, e.g. a shell that sets limits.
  explicit Process(const Arguments& arguments, const Environment& environment = {}, const Arguments& launcher = {})
      : Process(WholeLine{launcher + Arguments{SACCADE_PROGRAM} + arguments}, environment) {}

  /// Any program: the line is its name and its arguments.
  struct WholeLine {
    Arguments line;
  };
  explicit Process(WholeLine whole, const Environment& environment = {}) {
    Arguments& all = whole.line;
    std::vector<char*> argv;
    for (std::string& argument : all) argv.push_back(argument.data());
    argv.push_back(nullptr);
    std::vector<std::string> variables;
    for (char** variable = environ; *variable; ++variable) {
      const std::string text = *variable;
      const std::string name = text.substr(0, text.find('='));
      // What the tests' own environment says about data and instruction sets must not decide their outcome.
      if (!environment.contains(name) && name != "SACCADE_DATA" && name != "SACCADE_ISA") variables.push_back(text);
    }
    for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
    std::vector<char*> envp;
    for (std::string& variable : variables) envp.push_back(variable.data());
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err().c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int error = posix_spawnp(&process_, argv[0], &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + all[0]);
  }
  ~Process() {
    if (!ended_) send(SIGKILL), wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return process_; }
  void send(int signal) const { ::kill(process_, signal); }

  bool ended() {
    if (!ended_) ended_ = waitpid(process_, &status_, WNOHANG) == process_;
    return ended_;
  }

  Outcome wait() {
    while (!ended_) ended_ = waitpid(process_, &status_, 0) == process_ || errno != EINTR;
    Outcome outcome;
    if (WIFEXITED(status_)) outcome.code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) outcome.signal = WTERMSIG(status_);
    outcome.out = text_of(out());
    outcome.err = text_of(err());
    return outcome;
  }

 private:
  fs::path out() const { return streams_.path / "out"; }
  fs::path err() const { return streams_.path / "err"; }

  TemporaryFolder streams_;
  pid_t process_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

inline Outcome run(const Arguments& arguments, const Environment& environment = {}, const Arguments& launcher = {}) {
  return Process(arguments, environment, launcher).wait();
}

inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Standard error without what a build with CUDA says where there is no GPU.
inline std::string complaint(const Outcome& outcome) {
  const std::string& err = outcome.err;
  return err.starts_with("saccade: no GPU is used") ? err.substr(err.find('\n') + 1) : err;
}

/// What is wrong with a refusal: it must be exit code 2 and exactly one line on standard error with all the parts in
/// it. Empty when nothing is.
inline std::string refusal_fault(const Outcome& outcome, const Arguments& arguments,
                                 const std::vector<std::string>& parts) {
  std::string fault;
  if (outcome.code != 2) fault += "exit code " + std::to_string(outcome.code) + "; ";
  if (outcome.signal != 0) fault += "signal " + std::to_string(outcome.signal) + "; ";
  if (!outcome.out.empty()) fault += "standard output: " + outcome.out + "; ";
  const std::string err = complaint(outcome);
  if (!err.starts_with("saccade: ") || err.find('\n') + 1 != err.size()) fault += "not one line of ours; ";
  for (const std::string& part : parts)
    if (!contains(err, part)) fault += "does not say \"" + part + "\"; ";
  if (fault.empty()) return fault;
  fault += "standard error: " + outcome.err + " from:";
  for (const std::string& argument : arguments) fault += " " + argument;
  return fault;
}

/// Waits until something is so; false when it has not come about after five minutes (a sanitizer takes its time).
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

/// Every file and folder below `folder` with its bytes: what a refused command must leave as it was.
inline std::map<std::string, std::string> everything_in(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    // Large data sets are told by their size.
    std::string& value = all[entry.path().string()];
    if (entry.is_regular_file())
      value = entry.file_size() > 2'000'000 ? std::to_string(entry.file_size()) : text_of(entry.path());
    else
      value = "folder";
  }
  return all;
}

/// A short run of the default experiment.
inline Arguments replay(const fs::path& out, const std::vector<std::string>& keys = {}) {
  Arguments arguments{"replay", "--quiet", "--out", out.string()};
  for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
  return arguments;
}

}  // namespace saccade::program
