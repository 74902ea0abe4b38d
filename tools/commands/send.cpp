#include "tools/send/send.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "tools/commands/commands.h"

namespace saccade {

void add_send(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("send", "Send a recorded stream to saccade serve");
  const auto request = std::make_shared<SendRequest>();
  const auto silence = std::make_shared<double>(120);
  command->add_option("file", request->file, "The stream (saccade pack)")->required()->type_name("F.views");
  command->add_option("--to", request->to, "The server: a name or an IP address, and its port")
      ->required()
      ->type_name("HOST:PORT");
  command
      ->add_option("--rate", request->rate,
                   "Views per second; max: as fast as the server takes them; recorded: at the recording's own times")
      ->type_name("N|max|recorded")
      ->capture_default_str();
  command->add_option("--name", request->options.stream, "The stream's name at the server; default: stream")
      ->type_name("NAME");
  command->add_option("--token-file", flags.token_file, "File with the token that the server asks for")
      ->type_name("FILE");
  command
      ->add_option("--retries", request->options.retries,
                   "Connections tried again, in a row, before it gives up; each goes on behind what the server has")
      ->check(CLI::Range(0, 1'000'000))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--silence", *silence, "Seconds for which a server may neither read nor answer")
      ->check(CLI::Range(0.1, 1e6))
      ->type_name("S")
      ->capture_default_str();
  command
      ->add_option("--data", flags.data,
                   "Folder of the data sets, where the stream is recipes; without it SACCADE_DATA")
      ->type_name("DIR");
  add_output_flags(*command, flags);
  add_example(*command, "saccade send cifar.views --to 127.0.0.1:8764 --rate 30 --data DIR");
  command->callback([&flags, request, silence] {
    request->options.silence = std::chrono::milliseconds(std::llround(*silence * 1000));
    flags.exit_code = send_file(*request, flags);
  });
}

}  // namespace saccade
