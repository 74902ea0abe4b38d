#include "tools/reproduce/presets.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>

#include "engine/error.h"
#include "tools/experiment/experiment.h"
#include "tools/experiment/experiment_differences.h"
#include "tools/experiment/preset.h"
#include "tools/reproduce/reproduce.h"
#include "tools/reproduce/run_cost.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

const fs::path presets = fs::path(SACCADE_PROGRAM).parent_path() / "presets";

std::string refusal(auto call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every table has cells with names of their own and preset files that can be read") {
  std::set<std::string> used;
  for (const std::string& name : preset_names()) {
    const PresetTable table = load_preset_table(presets, name);
    CHECK(!table.title.empty());
    std::set<std::string> names;
    for (const PresetCell& cell : table.cells) {
      INFO(name << ", " << cell.name);
      CHECK(names.insert(cell.name).second);
      used.insert(cell.preset);
      CHECK(fs::exists(presets / (cell.preset + ".toml")));
      // Some tables of the paper have no random encoder; ours show Table 1's beside their rows.
      const bool added = cell.name == "random encoder" && std::isnan(cell.published);
      if (table.figure.empty() && !added) CHECK((cell.published > 30 && cell.published < 100));
      const Experiment experiment = load_experiment(presets / (cell.preset + ".toml"), cell.probe, Mode::batch);
      CHECK(experiment.probe.enabled == Experiment::ProbeWhen::yes);
      CHECK((!cell.deformed || experiment.probe.deformed));
      CHECK((!cell.classifier || experiment.loss == Experiment::Loss::supervised));
      CHECK(experiment.batch <= 1000);
    }
  }
  for (const auto& file : fs::recursive_directory_iterator(presets))
    if (file.is_regular_file() && file.path().parent_path() != presets &&
        file.path().parent_path().filename() != "online") {  // of no table
      const fs::path name = fs::relative(file.path(), presets).replace_extension();
      CHECK_MESSAGE(used.contains(name.string()), name.string());
    }
}

TEST_CASE("presets for runs: every experiment file that comes with the program, by its name") {
  ::setenv("SACCADE_PRESETS", presets.c_str(), 1);
  const std::vector<std::string> names = experiment_presets();
  CHECK(std::find(names.begin(), names.end(), "online/rll") != names.end());
  CHECK(std::find(names.begin(), names.end(), "table1/rll-bp-few") != names.end());
  CHECK(std::find(names.begin(), names.end(), "table1") == names.end());
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(preset_file(name) == presets / (name + ".toml"));
    if (!name.starts_with("online/")) continue;
    const bool batch = name.find("batch") != std::string::npos;
    const Experiment experiment = load_experiment(preset_file(name), {}, batch ? Mode::batch : Mode::event);
    // Nothing is learned from what the probe is tested on, and the same images are held out of all.
    CHECK(experiment.probe.test == Experiment::ProbeTest::train);
    CHECK(experiment.probe.test_from >= experiment.images);
    CHECK(experiment.probe.standardise);
  }
  CHECK(contains(refusal([] { preset_file("online/rl"); }), "online/rll"));
  CHECK_FALSE(contains(refusal([] { preset_file("online/rl"); }), "table1/"));
  CHECK(contains(refusal([] { preset_file("../presets/online/rll"); }), "there is no preset"));
  ::setenv("SACCADE_PRESETS", "/nowhere", 1);
  CHECK(contains(refusal([] { experiment_presets(); }), "/nowhere"));
  ::unsetenv("SACCADE_PRESETS");
}

TEST_CASE("Table 1 holds the paper's numbers and protocol") {
  const PresetTable table = load_preset_table(presets, "table1");
  double sum = 0;
  for (const PresetCell& cell : table.cells) sum += cell.published;
  // bp dtp rf, gll bp urf rf, rll bp urf rf in both columns, SimCLR, CLAPP twice, random: added up by hand.
  CHECK(std::abs(sum - (204.43 + 213.35 + 208.64 + 201.70 + 208.80 + 207.83 + 72.44 + 69.05 + 68.93 + 61.23)) <= 1e-9);
  const Experiment left = load_experiment(presets / "table1/rll-rf-all.toml", {}, Mode::batch);
  CHECK(left.negatives == Experiment::all_negatives);
  CHECK(left.negative_weight == 1);
  CHECK_FALSE(left.block);
  CHECK(left.epochs == 400);
  CHECK(left.conv_rate(0) == 1e-4);
  const Experiment right = load_experiment(presets / "table1/rll-rf-few.toml", {}, Mode::batch);
  CHECK(experiment_differences(left, right) == std::vector<std::string>{"negatives 4 instead of \"all\"",
                                                                        "negative_weight 0.2 instead of 1.0",
                                                                        "block true instead of false"});
  CHECK(load_experiment(presets / "table1/random.toml", {}, Mode::batch).epochs == 0);
}

TEST_CASE("differences leave out the seed and how a run is stored, unless asked") {
  const Experiment one = parse_experiment("", "one", {}, Mode::batch);
  const Experiment other = parse_experiment("", "other", {"seed=2", "checkpoint.every=7", "images=10"}, Mode::batch);
  CHECK(experiment_differences(one, other) == std::vector<std::string>{"images 10 instead of all"});
  CHECK(experiment_differences(one, other, true).size() == 3);
  CHECK(experiment_differences(one, one, true).empty());
}

TEST_CASE("rows choose cells by a part of their name; an unknown one lists the known") {
  const PresetTable table = load_preset_table(presets, "table3");
  CHECK(chosen_cells(table, {}).size() == 4);
  const auto chosen = chosen_cells(table, {"supervised", "hinge, 50"});
  REQUIRE(chosen.size() == 3);
  CHECK(chosen[0].name == "hinge, 50,000 labels");
  const std::string message = refusal([&] { chosen_cells(table, {"supervised", "dtp"}); });
  for (const char* part : {"\"dtp\"", "table3", "\"supervised, 5,000 labels\""}) CHECK(contains(message, part));
}

TEST_CASE("preset files with faults are refused by name and line") {
  CHECK(contains(refusal([] { load_preset_table(presets, "table9"); }), "table1, table2"));
  TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    std::ofstream(folder.path / "fig2.toml") << text;
    return refusal([&] { load_preset_table(folder.path, "fig2"); });
  };
  CHECK(contains(read("title = \"t\"\nnumber = 3\n[[cell]]\nname = \"a\"\npreset = \"b\"\n"), "line 2: unknown key"));
  CHECK(contains(read("title = \"t\"\n[[cell]]\nname = \"a\"\n"), "line 2: a cell needs"));
  CHECK(contains(read("[[cell]]\nname = \"a\"\npreset = \"b\"\ncompared = \"best\"\n"), "compared is \"best\""));
  CHECK(contains(read("title = \"t\"\n"), "no [[cell]]"));
  CHECK(contains(read("title = \n"), "line 1"));
  CHECK(read("[[cell]]\nname = \"a\"\npreset = \"b\"\n") == "");
}

TEST_CASE("the cost of a run follows its layers, views and epochs") {
  const auto cost = [](const std::vector<std::string>& keys) {
    std::vector<std::string> all{"data=cifar10", "network=conv5", "images=100", "epochs=1", "probe.enabled=false"};
    all.insert(all.end(), keys.begin(), keys.end());
    return run_cost(parse_experiment("", "test", all, Mode::batch)).learning / 100;
  };
  // conv5, by hand: 1024 pixels x 9 x (3 x 32 + 32 x 32), 256 x 9 x (32 x 64 + 64 x 64), 64 x 9 x 64 x 512; head 8192
  // x 64.
  const double forward = 1024.0 * 9 * (96 + 1024) + 256.0 * 9 * (2048 + 4096) + 64.0 * 9 * 64 * 512 + 8192.0 * 64;
  CHECK(std::abs(cost({"block=true"}) / (4 * forward) - 1) <= 1e-12);
  CHECK(std::abs(cost({"block=false"}) / (6 * forward) - 1) <= 1e-12);
  CHECK(cost({"epochs=7"}) == 7 * cost({}));
  CHECK(cost({"epochs=0"}) == 0);
  CHECK(cost({"schedule=gll"}) == cost({"schedule=rll"}));
  CHECK(run_cost(parse_experiment("", "test", {"probe.enabled=true", "epochs=0"}, Mode::batch)).probing > 0);
  TimeEstimate estimate;
  CHECK_FALSE(estimate.known());
  estimate.learned({100, 0}, 2);
  CHECK(estimate.seconds({50, 0}) == 1);
  estimate.probed({0, 10}, 5);
  CHECK(estimate.seconds({50, 10}) == 6);
}

}  // namespace saccade
