#include "tools/step.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "tools/commands/commands.h"

namespace saccade {

void add_step(CLI::App& app, CommonFlags& flags) {
  CLI::App* command =
      app.add_subcommand("step", "One learning step under glass: embeddings, distances, errors, gradients");
  const auto request = std::make_shared<StepRequest>();
  command
      ->add_option("--weights", request->weights,
                   "Weights (safetensors): conv.I.weight [K,C,3,3] (kind local: [H,W,K,C,3,3], H and W before "
                   "pooling), head.I.weight [64,F], feedback.*")
      ->required()
      ->type_name("FILE");
  command->add_option("--views", request->views, "Views (safetensors): a and b [n,C,H,W], label [n]")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", flags.out, "Result (safetensors)")->required()->type_name("FILE");
  command->add_option("--network", request->network, "conv5, conv3 or an experiment file")
      ->type_name("NAME|EXP.toml")
      ->capture_default_str();
  command->add_option("--loss", request->loss)
      ->check(CLI::IsMember({"hinge", "simclr", "supervised"}))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--rule", request->rule)
      ->check(CLI::IsMember({"bp", "rf", "urf", "sign", "sign-forward"}))
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--layer", request->layer, "This layer and its head learn; end to end without it")
      ->type_name("I");
  command->add_option("--negatives", request->negatives, "Following views, or all")
      ->type_name("N|all")
      ->capture_default_str();
  command->add_option("--negative-weight", request->negative_weight)
      ->check(CLI::NonNegativeNumber)
      ->type_name("W")
      ->capture_default_str();
  command->add_option("--margins", request->margins, "M1,M2")->delimiter(',')->expected(2)->type_name("M1,M2");
  command->add_flag("--no-block", request->no_block, "Let the gradient pass through the anchors");
  add_device_flags(*command, flags);
  command->add_flag("--quiet", flags.quiet, "No text");
  add_example(*command,
              "saccade step --weights w.safetensors --views v.safetensors --rule rf --layer 2 --out step.safetensors");
  command->callback([&flags, request] { flags.exit_code = step(*request, flags); });
}

}  // namespace saccade
