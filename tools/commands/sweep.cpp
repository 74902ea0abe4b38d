#include "tools/sweep/sweep.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "engine/error.h"
#include "tools/commands/commands.h"

namespace saccade {

void add_sweep(CLI::App& app, CommonFlags& flags) {
  CLI::App* command = app.add_subcommand("sweep", "A study: grids, lists or draws of experiments, with several seeds");
  struct Options {
    std::string study, shard;
    std::filesystem::path merge;
    std::size_t jobs = 0, together = 0;
    std::vector<std::string> members;
    bool list = false, slurm = false, submit = false;
    SlurmResources resources;
  };
  const auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "File of a study, or the name of one that comes with the program")
      ->type_name("SWEEP.toml");
  command->add_flag("--list", options->list, "List the studies that come with the program");
  command->add_option("--out", flags.out, "Folder of the study: new or empty (with --shard also one that others began)")
      ->type_name("DIR");
  command->add_option("--resume", flags.resume, "Go on with the study in this folder; needs nothing else")
      ->type_name("DIR");
  command->add_option("--jobs", options->jobs, "Runs side by side, one thread each; 0 = as many as there are cores")
      ->check(CLI::Range(0, 4096))
      ->type_name("N");
  command
      ->add_option("--together", options->together,
                   "Replays of the same views advance together in one process, at most N of them: those that differ in "
                   "nothing but memory.window, negatives, negative_weight, rates and weights_seed. The results are the "
                   "same. 1 = each alone; 0 = 64 on a GPU, 1 on the CPU")
      ->check(CLI::Range(0, 4096))
      ->type_name("N");
  command->add_option("--member", options->members)->group("");  // a process of --together
  command->add_option("--shard", options->shard, "Only the K-th of N parts: runs K, K + N, ...; tables by --merge")
      ->type_name("K/N");
  command->add_option("--merge", options->merge, "Table and page of the runs in this folder, finished by whom ever")
      ->type_name("DIR");
  command->add_flag("--slurm", options->slurm, "Only write what Slurm needs to run the study, to DIR/slurm");
  command->add_flag("--submit", options->submit, "And submit it");
  SlurmResources& resources = options->resources;
  command->add_option("--tasks", resources.tasks, "Slurm: parts of the study; 0 = one for every --cpus runs")
      ->check(CLI::Range(0, 1000000))
      ->type_name("N");
  command->add_option("--cpus", resources.cpus, "Slurm: cores of a part, a run each")
      ->check(CLI::Range(1, 4096))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--memory", resources.memory, "Slurm: memory of a part")
      ->type_name("SIZE")
      ->capture_default_str();
  command->add_option("--time", resources.time, "Slurm: longest time of a part")
      ->type_name("H:M:S")
      ->capture_default_str();
  command->add_option("--partition", resources.partition, "Slurm: partition")->type_name("NAME");
  command->add_option("--sbatch", resources.options, "Slurm: another option of sbatch; may be repeated")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("--OPTION=VALUE");
  command->add_option("--data", flags.data, "Folder of the data sets; without it SACCADE_DATA")->type_name("DIR");
  command->add_option("--device", flags.device, "Where to compute: cpu, cuda, or auto")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->type_name("NAME");
  add_output_flags(*command, flags);
  add_example(*command,
              "saccade sweep window-negatives --out studies/window\n"
              "  saccade sweep my-study.toml --out studies/mine --shard 1/4   # and 2/4, 3/4, 4/4 elsewhere\n"
              "  saccade sweep --merge studies/mine\n"
              "  saccade sweep my-study.toml --out studies/mine --slurm --cpus 8 --memory 16G --submit");
  command->callback([&flags, options, command] {
    if (!options->slurm)
      for (const char* flag : {"--tasks", "--cpus", "--memory", "--time", "--partition", "--sbatch", "--submit"})
        if (command->count(flag) > 0)
          throw InputError(fmt::format("sweep: {} belongs to --slurm; give both, or leave it out", flag));
    if (options->list) return fmt::print("{}", list_studies());
    if (!options->merge.empty()) {
      if (!options->study.empty() || !flags.out.empty() || !flags.resume.empty() || !options->shard.empty() ||
          options->slurm)
        throw InputError(
            "sweep: --merge DIR stands alone; leave out the study's file, --out, --resume, --shard and --slurm");
      flags.exit_code = merge_study(options->merge, flags);
      return;
    }
    if (!options->members.empty()) {
      flags.exit_code = sweep_together(options->members, flags);
      return;
    }
    SweepRequest request{.study = options->study.empty() ? std::filesystem::path() : study_file(options->study),
                         .flags = flags,
                         .jobs = options->jobs,
                         .shard = options->shard,
                         .together = options->together};
    flags.exit_code = options->slurm ? sweep_with_slurm(request, options->resources, options->submit) : sweep(request);
  });
}

}  // namespace saccade
