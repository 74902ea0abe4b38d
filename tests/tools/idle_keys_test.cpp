#include "tools/experiment/idle_keys.h"

#include <doctest/doctest.h>

#include <filesystem>

using namespace saccade;
using Set = std::vector<std::string>;

namespace {

Set idle(const Set& set, Mode mode = Mode::event) { return idle_keys(parse_experiment("", "test", set, mode), mode); }

}  // namespace

TEST_CASE("a key that does nothing beside the others is told, with what it acts with") {
  struct Case {
    std::string key;  ///< with a value that is not the default
    std::string with;
    Set needs;  ///< beside these it acts
    Mode mode = Mode::event;
  };
  const Set world{"data=world"}, path{"motion.path=trajectory"};
  const Case cases[] = {
      {"memory.trace_time=3", "memory.trace = \"exponential\"", {"memory.trace=exponential"}},
      {"memory.trace_acts=gate", "another memory.trace than \"window\"", {"memory.trace=synaptic"}},
      {"memory.burst=3", "memory.trace = \"synaptic\"", {"memory.trace=synaptic-peak"}},
      {"circuit.noise=0.1", "error = \"circuit\"", {"error=circuit"}},
      {"average_views=7", "activity = \"covariance\"", {"activity=covariance"}},
      {"stream.switch_probability=0.3", "stream.dwell = \"geometric\"", {"stream.dwell=geometric"}},
      {"stream.return_depth=3", "stream.returns above 0", {"stream.returns=0.1"}},
      {"stream.fixation=3", "stream.frame_rate = 0", {}},
      {"motion.warp_time=3", "motion.path = \"trajectory\"", path},
      {"motion.light_time=1", "motion.path = \"trajectory\" and data = \"world\"", {"data=world", path[0]}},
      {"world.objects=160", "data = \"world\"", world},
      {"folder.fit=stretch", "data = \"folder\"", {"data=folder", "folder.path=x"}},
      {"negative_weight=0.5", "negatives above 0", {}},
      {"temperature=0.5", "saccade train", {}},
      {"temperature=0.5", "loss = \"simclr\"", {"loss=simclr"}, Mode::batch},
      {"dtp.noise=0.5", "rule = \"dtp\"", {"rule=dtp"}, Mode::batch},
      {"clapp.update=asynchronous", "loss = \"clapp\"", {"loss=clapp"}, Mode::batch},
      {"memory.window=3", "saccade replay or serve", {}, Mode::batch},
      {"epochs=3", "saccade train", {}},
      {"probe.rate=0.1", "probe.enabled = \"auto\" or true", {}},
      {"probe.deformation=affine", "probe.deformed = true", {}},
      {"measure.pairs=9", "measure.every above 0", {"measure.every=10"}},
      {"measure.knn_metric=euclidean", "measure.knn above 0", {"measure.every=10", "measure.knn=3"}},
      {"measure.on_collapse=warn", "measure.collapse above 0", {"measure.every=10", "measure.collapse=0.1"}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.key);
    Set set{one.key};
    if (one.with == "stream.frame_rate = 0") set.push_back("stream.frame_rate=9");
    if (one.with == "negatives above 0") set.push_back("negatives=0");
    if (one.with.starts_with("probe.enabled")) set.push_back("probe.enabled=false");
    if (one.with.starts_with("probe.deformed")) set.push_back("probe.deformed=false");
    if (one.with.starts_with("measure.") && one.with != "measure.every above 0") set.push_back("measure.every=10");
    const Set found = idle(set, one.mode);
    REQUIRE(found.size() == 1);
    CHECK(found[0].starts_with(one.key.substr(0, one.key.find('='))));
    CHECK(found[0].ends_with("it acts with " + one.with));
    if (set.size() > 1 && one.needs.empty()) set.pop_back();
    set.insert(set.end(), one.needs.begin(), one.needs.end());
    if (one.needs.empty() && set.size() == 1 && one.with.starts_with("saccade")) continue;
    CHECK(idle(set, one.mode) == Set{});
  }
  CHECK(idle({"memory.trace_time=3", "circuit.noise=1"}).size() == 2);
}

TEST_CASE("what has its default value, and every preset that comes with the program, has no idle keys") {
  for (const Mode mode : {Mode::event, Mode::batch, Mode::served}) CHECK(idle({}, mode) == Set{});
  CHECK(idle({"memory.trace_time=1", "circuit.noise=0"}) == Set{});
  // An experiment as it is written has every key.
  const std::string written = write_experiment(parse_experiment("", "test"));
  CHECK(idle_keys(parse_experiment(written, "test"), Mode::event) == Set{});
  namespace fs = std::filesystem;
  int presets = 0;
  for (const auto& file : fs::recursive_directory_iterator(fs::path(SACCADE_TESTS) / "../tools/presets")) {
    if (!file.is_regular_file() || file.path().parent_path().filename() == "presets") continue;
    CAPTURE(file.path().string());
    const bool online = file.path().parent_path().filename() == "online";
    const bool batch = !online || file.path().stem().string().find("batch") != std::string::npos;
    const Mode mode = batch ? Mode::batch : Mode::event;
    CHECK(idle_keys(load_experiment(file.path(), {}, mode), mode) == Set{});
    ++presets;
  }
  CHECK(presets > 50);
}
