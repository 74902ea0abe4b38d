#include "tools/cli.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>

#include "engine/device.h"
#include "engine/error.h"
#include "tools/commands/commands.h"
#include "tools/experiment/experiment.h"
#include "tools/tell.h"

namespace saccade {
namespace {

int complain(std::string message, int code) {
  // One line whatever was in a file name or a library's message.
  std::replace_if(
      message.begin(), message.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  tell("{}", message);
  return code;
}

bool knows(const CLI::App& app, const std::string& command) {
  return !app.get_subcommands([&](const CLI::App* one) { return one->get_name() == command; }).empty();
}

std::string command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

void add_device_flags(CLI::App& command, CommonFlags& flags) {
  command.add_option("--threads", flags.threads, "Threads; 0 = all cores. The result does not depend on it")
      ->check(CLI::Range(0, 4096))
      ->type_name("N");
  command
      .add_option("--device", flags.device, "Where to compute: cpu, cuda, or auto (cuda if there is a GPU, else cpu)")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->type_name("NAME");
}

void add_output_flags(CLI::App& command, CommonFlags& flags) {
  command.add_flag("--quiet", flags.quiet, "No progress");
  command.add_flag("--json", flags.json, "Print the result as JSON on standard output");
}

void add_stream_flag(CLI::App& command, CommonFlags& flags) {
  command
      .add_option("--stream", flags.stream,
                  "A recorded stream (saccade pack) instead of a generated one: the key stream.file")
      ->check(CLI::ExistingFile)
      ->type_name("F.views");
}

void add_page_flags(CLI::App& command, CommonFlags& flags, bool senders) {
  CLI::Option* page = command.add_option_function<std::string>(
      "--page", [&flags](const std::string& address) { flags.page = address; },
      "A page that shows the run as it learns, for a browser; it can pause and step. 127.0.0.1:8765 unless told; "
      "port 0: any that is free");
  page->expected(0, 1)->type_name("HOST:PORT");
  command.add_flag("--page-stay", flags.page_stay, "The page stays when the run is over, until Ctrl-C")->needs(page);
  CLI::Option* token = command.add_option(
      "--token-file", flags.token_file,
      senders ? "The token that senders, and browsers, must tell; needed where HOST is no loopback address"
              : "The page asks for the token in this file; needed where HOST is no loopback address");
  token->type_name("FILE");
  if (!senders) token->needs(page);
}

void apply_stream_flag(CommonFlags& flags) {
  if (!flags.stream.empty()) flags.set.push_back("stream.file=" + toml_string(flags.stream));
}

void add_experiment_flags(CLI::App& command, CommonFlags& flags) {
  // Each --set takes exactly one value, so that a positional argument may follow it; a list takes more if it is let.
  command.add_option("--set", flags.set, "Override a key of the experiment; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("KEY=VALUE");
  command.add_option("--data", flags.data, "Folder of the data sets; without it SACCADE_DATA")->type_name("DIR");
}

std::filesystem::path data_folder(const CommonFlags& flags, const std::filesystem::path& remembered) {
  if (!flags.data.empty()) return flags.data;
  if (!remembered.empty()) return remembered;
  const char* given = std::getenv("SACCADE_DATA");
  return given ? given : "";
}

std::unique_ptr<Device> make_device(const CommonFlags& flags) {
  if (flags.device == "cuda") return make_gpu_device();
  if (flags.device == "auto" && built_with_cuda()) {
    try {
      return make_cuda_device();
    } catch (const InputError& error) {
      static bool said = false;  // a table of many runs makes a device for each
      if (!flags.quiet && !said) tell("no GPU is used ({}); computing on the CPU", error.what());
      said = true;
    }
  }
  return make_cpu_device(flags.threads);
}

std::unique_ptr<Device> make_gpu_device() {
  try {
    return make_cuda_device();
  } catch (const InputError& error) {
    throw InputError(fmt::format("--device cuda: {}; use --device cpu", error.what()));
  }
}

void add_example(CLI::App& command, const std::string& example) { command.footer("Example:\n  " + example); }

int run_program(int argc, const char* const* argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then an error of write() like a full disk
  CommonFlags flags;
  CLI::App app{"Self-supervised learning from a stream of views, event by event, with local synaptic changes",
               "saccade"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help on every command");
  app.set_version_flag("--version", SACCADE_VERSION);
  add_commands(app, flags);
  try {
    app.parse(argc, argv);
    if (std::fflush(stdout) != 0 || std::ferror(stdout))
      throw SystemError("standard output: not everything could be written");
    return flags.exit_code;
  } catch (const CLI::ParseError& error) {
    // Help asked for is an answer, not an error.
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::string command = argc > 1 ? argv[1] : "-";
    if (command[0] != '-' && !knows(app, command))
      return complain(fmt::format("there is no command \"{}\"; known are {}", command, command_names(app)), 2);
    return complain(fmt::format("{} (saccade --help tells more)", error.what()), 2);
  } catch (const InputError& error) {
    return complain(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", 1);
  } catch (const std::filesystem::filesystem_error& error) {
    return complain(fmt::format("{}: {}", error.path1().string(), error.code().message()), 1);
  } catch (const std::exception& error) {
    return complain(error.what(), 1);
  }
}

}  // namespace saccade
