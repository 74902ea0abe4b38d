#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace saccade {

class Device;

/// Flags that several commands share. One object lives as long as the program; a command adds those flags that it has.
struct CommonFlags {
  int threads = 0;  ///< 0 = all cores
  std::string device = "auto";
  std::filesystem::path data;  ///< --data
  std::filesystem::path out, resume;
  std::filesystem::path baselines;  ///< folder in which runs share untrained networks' and pixels' accuracies
  bool quiet = false, json = false;
  std::vector<std::string> set;  ///< key=value, in order
  std::string stream;
  std::optional<std::string> page;   ///< --page: where a page shows the run (tools/live); "" is the default address
  bool page_stay = false;            ///< --page-stay
  std::filesystem::path token_file;  ///< --token-file
  int exit_code = 0;                 ///< what the command that ran answers
};

void add_device_flags(CLI::App& command, CommonFlags& flags);  ///< --threads, --device
void add_output_flags(CLI::App& command, CommonFlags& flags);  ///< --quiet, --json
void add_stream_flag(CLI::App& command, CommonFlags& flags);   ///< --stream
/// --page, --page-stay, --token-file; `senders`: the token is theirs too, with a page or without.
void add_page_flags(CLI::App& command, CommonFlags& flags, bool senders = false);
void add_experiment_flags(CLI::App& command, CommonFlags& flags);  ///< --set, --data

/// --stream as the key stream.file in flags.set, which is complete only when the command line has been parsed.
void apply_stream_flag(CommonFlags& flags);

/// Where the data sets lie: --data, else the folder that a run remembers, else SACCADE_DATA, else empty.
std::filesystem::path data_folder(const CommonFlags& flags, const std::filesystem::path& remembered = {});

/// The device that the flags ask for. `auto` is the GPU where there is one; a build with CUDA that finds none says so
/// once on standard error, unless --quiet. InputError for one that is not there.
std::unique_ptr<Device> make_device(const CommonFlags& flags);
/// The device of `--device cuda`, or InputError with advice.
std::unique_ptr<Device> make_gpu_device();

/// An example for the end of a command's help.
void add_example(CLI::App& command, const std::string& example);

/// The whole program. Exit codes: 0; 2 = bad input or bad command line (one line on standard error); 1 = anything else.
int run_program(int argc, const char* const* argv);

}  // namespace saccade
