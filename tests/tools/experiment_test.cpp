#include "tools/experiment/experiment.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "tools/experiment/setup.h"

namespace saccade {
namespace {

Experiment parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_experiment(text, "exp.toml", overrides);
}

/// The message of the InputError that reading throws; empty when it does not.
std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const char* const everything = R"(
seed = 7
data = "cifar10"
images = 1000
events = 90000
network = {name = "mine", embedding = 32, layers = [{channels = 8, pool = true, activation = "relu"}, {channels = 16, stride = 2}]}
schedule = "gll"
rule = "sign-forward"
negatives = 1
negative_weight = 0.30000000000000004
margins = [[1, 3], [0.5, 1.25]]
block = false
optimiser = "adam"
arithmetic = "fast"
rate = {conv = [1e-5, 2e-7], head = 3.0}
view.kind = "plain"
stream = {views = 3, fixation = 0.5, order = "blocked"}
memory = {mode = "held", window = 1.5, capacity = 9, trace = "synaptic-peak", trace_acts = "gate", burst = 3, noise = 0.25}
circuit = {noise = 0.5, threshold_error = 0.125}
error = "circuit"
[probe]
enabled = true
every = 5000
[record]
events = false
[checkpoint]
every = 0
)";

}  // namespace

TEST_CASE("defaults follow the data set") {
  const Experiment grey = parse("");
  CHECK(grey.network.name == "conv3");
  CHECK(grey.network.channels == 1);
  CHECK(grey.schedule == Experiment::Schedule::rll);
  CHECK(grey.margins.size() == 3);  // layer by layer
  CHECK(grey.rate.final == 0);
  CHECK(parse("schedule = \"e2e\"").margins == std::vector<Experiment::Margins>{{1, 1.5}});
  CHECK(parse("schedule = \"e2e\"").rate.final == 1);
  CHECK(parse("optimiser = \"adam\"").margins == std::vector<Experiment::Margins>{{1, 1.5}});
  CHECK(grey.view.kind == ViewKind::affine);
  CHECK(std::isinf(grey.memory.window));
  CHECK(grey.probes(5001));
  CHECK_FALSE(grey.probes(5000));

  const Experiment colour = parse("data = \"cifar10\"");
  CHECK(colour.network == known_network("conv5"));
  CHECK(colour.margins.size() == 5);
  CHECK(parse("data = \"cifar10\"\nschedule = \"e2e\"").margins == std::vector<Experiment::Margins>{{1, 3}});
  CHECK(colour.view.kind == ViewKind::affine_hsv);
  const Experiment large = parse("data = \"stl10\"");
  CHECK(large.view.kind == ViewKind::crop_jitter);
  CHECK((large.network.height == 64 && large.network.width == 64 && large.network.channels == 3));
  CHECK(large.network == known_network("vgg6"));
  CHECK(parse(write_experiment(large)) == large);
  const Experiment unaveraged = parse("data = \"stl10\"\nnetwork.head_average = 1");
  CHECK(unaveraged.network.head_average == 1);
  CHECK(unaveraged.network.layers == large.network.layers);
  CHECK(parse(write_experiment(unaveraged)) == unaveraged);
  CHECK(parse("network.head_average = 2").network.head_average == 2);
  CHECK(contains(refusal("network.head_average = 3"), "network.head_average"));
  const Experiment whole = parse("data = \"stl10\"\nview.kind = \"affine-hsv\"");
  CHECK((whole.network.height == 96 && whole.network.width == 96 && whole.network.channels == 3));
  const Experiment folder = parse("data = \"folder\"\nfolder = {path = \"p\", height = 48, width = 64}");
  CHECK((folder.network.height == 48 && folder.network.width == 64 && folder.network.channels == 3));
  CHECK(folder.network.name == "conv5");
  CHECK(folder.view.kind == ViewKind::affine_hsv);
  const Experiment grey_folder = parse("data = \"folder\"\nfolder = {path = \"p\", channels = 1}");
  CHECK(grey_folder.network.name == "conv3");
  CHECK(grey_folder.view.kind == ViewKind::affine);
  const Experiment grey_crop = parse("data = \"stl10\"\nview.kind = \"grey-crop\"");
  CHECK((grey_crop.network.height == 64 && grey_crop.network.width == 64 && grey_crop.network.channels == 1));
}

TEST_CASE("layers of every kind; a pool belongs to the layer below") {
  const Experiment e = parse(
      "[network]\nlayers = [{kind = \"local\", channels = 4}, {kind = \"pool\"}, {kind = \"conv\", channels = 5, "
      "stride = 2}, "
      "{kind = \"local\", channels = 6, activation = \"tanh\"}]");
  CHECK(e.network.layers == std::vector<LayerSpec>{{4, Downsample::max_pool, Activation::none, Sharing::local},
                                                   {5, Downsample::stride, Activation::none, Sharing::shared},
                                                   {6, Downsample::none, Activation::tanh, Sharing::local}});
  CHECK(parse(write_experiment(e)).network == e.network);
  // 28 x 28 positions of 9 * 4000 * 40 weights: beyond 2^28.
  const std::string huge =
      refusal("network.layers = [{channels = 4000}, {kind = \"local\", channels = 40}]", {"network.embedding=1"});
  CHECK(contains(huge, "layer 1"));
  CHECK(contains(huge, "every position its own"));
  // Patches of an image share their weights with all of it.
  const Experiment patches = parse_experiment(
      "data = \"stl10\"\nloss = \"clapp\"\nview.kind = \"grey-crop\"\nnetwork.layers = [{kind = \"local\", channels = "
      "4}]",
      "exp.toml", {}, Mode::batch);
  CHECK_THROWS_WITH_AS(learned_network(patches), doctest::Contains("clapp on patches"), InputError);
}

TEST_CASE("what is written reads back to the same experiment") {
  for (const std::string text :
       {"", "data = \"cifar100\"", "network = \"conv5\"", "network = \"conv3-strided\"",
        "data = \"stl10\"\nnetwork = \"vgg6-strided\"", "network.embedding = 128", "rate = 0.5", everything}) {
    CAPTURE(text);
    const Experiment experiment = parse(text);
    const std::string written = write_experiment(experiment);
    CHECK(parse(written) == experiment);
    CHECK(write_experiment(parse(written)) == written);
  }
  const Experiment all = parse(everything);
  CHECK(all.network.layers == std::vector<LayerSpec>{{8, Downsample::max_pool, Activation::relu},
                                                     {16, Downsample::stride, Activation::none}});
  CHECK(all.network.channels == 3);
  CHECK(all.rule == Experiment::Rule::sign_forward);
  CHECK(all.conv_rate(1) == 2e-7);
  CHECK(all.head_rate(1) == 3.0);
  CHECK(all.margins_of(1) == Experiment::Margins{0.5, 1.25});
  CHECK(all.negative_weight == 0.30000000000000004);
  CHECK(all.probe.enabled == Experiment::ProbeWhen::yes);
  const LearnerOptions options = learner_options(all);
  CHECK(options.memory.trace.name == "synaptic-peak");
  CHECK((options.memory.trace.burst == 3 && options.memory.trace.facilitation_time == 1.5));
  CHECK((options.memory.trace_acts == "gate" && options.memory.noise == 0.25));
  CHECK((options.error == "circuit" && options.circuit.noise == 0.5 && options.circuit.threshold_error == 0.125));
}

TEST_CASE("a path reads back, whatever is in it") {
  for (const std::string path : {"", "a b/c", "/x/\"q\" \\ back", "tab\tline\nbell\a del\x7f", "\xc3\xa9", "# '=[]"}) {
    CAPTURE(path);
    Experiment experiment = parse("");
    experiment.folder.path = path;
    CHECK(parse(write_experiment(experiment)) == experiment);
  }
  CHECK(parse("", {"folder.path=a b/c"}).folder.path == "a b/c");
  CHECK(contains(refusal("", {"folder.path=\xff\xfe"}), "expected a string in UTF-8"));
  CHECK(contains(refusal("folder.path = 3"), "folder.path is the integer 3, expected a string"));
}

TEST_CASE("image folders: what has to be said") {
  const std::string folder = "data = \"folder\"\n";
  CHECK(contains(refusal(folder), "folder.path is not given"));
  CHECK(contains(refusal("data = \"cifar10\"\nprobe.data = \"folder\""), "folder.path is not given"));
  CHECK(contains(refusal(folder + "folder = {path = \"p\", channels = 2}"), "folder.channels is 2, expected 3"));
  CHECK(contains(refusal("folder.height = 0"), "folder.height"));
  CHECK(contains(refusal("folder.width = 4097"), "folder.width"));
  CHECK(contains(refusal("folder.fit = \"best\""), "one of \"crop\", \"stretch\""));
  const std::string supervised = "loss = \"supervised\"\n" + folder + "folder.path = \"p\"\n";
  CHECK(contains(refusal(supervised), "folder.classes"));
  CHECK(parse(supervised + "folder.classes = 7").network.embedding == 7);
  CHECK(contains(refusal(folder + "folder = {path = \"p\", channels = 1}\nview.kind = \"affine-hsv\""), "grey"));
}

TEST_CASE("a resolved experiment of a recorded stream says all that is needed; its file is not looked at") {
  const std::string recorded =
      "data = \"none\"\nstream.hash = \"00\"\nstream.shape = \"20x24x3\"\n"
      "stream.file = \"/no/such \\\"folder\\\"/\\\\ \\u0007.views\"\n";
  const Experiment experiment = parse(recorded);
  CHECK(experiment.stream.file == "/no/such \"folder\"/\\ \a.views");
  CHECK(experiment.network.name == "conv5");
  CHECK((experiment.network.height == 20 && experiment.network.width == 24 && experiment.network.channels == 3));
  CHECK_FALSE(experiment.probes(10000));
  CHECK(parse(recorded + "probe.data = \"cifar10\"").probes(10000));
  const std::string written = write_experiment(experiment);
  CHECK(parse(written) == experiment);
  CHECK_FALSE(contains(written, "motion."));
  CHECK_FALSE(contains(written, "stream.dwell"));
  CHECK_FALSE(contains(write_experiment(parse("")), "stream.file"));
  CHECK(contains(refusal(recorded + "stream.dwell = \"fixed\""), "stream.dwell"));
  CHECK(contains(refusal(recorded + "motion.warp_time = 1.0"), "motion.warp_time"));
  CHECK(contains(refusal(recorded + "probe.enabled = true"), "probe.data"));
  for (const std::string shape :
       {"", "20x24", "20x24x2", "0x24x3", "20x24x3x1", "20x24x3 ", "99999999999x1x1", "axbxc"})
    CHECK(contains(refusal(recorded, {"stream.shape='" + shape + "'"}), "stream.shape"));
  CHECK(contains(refusal("stream.shape = \"20x24x3\""), "stream.file"));
  CHECK(contains(refusal("data = \"none\""), "stream.file"));
  CHECK(contains(refusal("stream.file = 3"), "a string"));
  CHECK(contains(refusal("stream.file = \"/no/such.views\""), "/no/such.views"));
}

TEST_CASE("every line of a written experiment can be an override") {
  const std::string written = write_experiment(parse(everything));
  std::vector<std::string> overrides;
  for (std::size_t begin = 0, end; (end = written.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line = written.substr(begin, end - begin);
    line.erase(line.find(" = "), 1);
    overrides.push_back(line);
  }
  CHECK(parse("", overrides) == parse(everything));
}

TEST_CASE("overrides: bare words, TOML values, tables") {
  CHECK(parse("seed = 3", {"seed=4", "seed=5"}).seed == 5);
  CHECK(parse("", {"data=cifar10"}).data == Experiment::Data::cifar10);
  CHECK(parse("", {"rule=sign-forward"}).rule == Experiment::Rule::sign_forward);
  CHECK(parse("[stream]\nviews = 3", {"stream.fixation=0.5"}).stream.views == 3);
  CHECK(parse("", {"memory.window=2"}).memory.window == 2);
  CHECK(parse("", {"margins=[[1,2],[3,4],[5,6]]"}).margins_of(2) == Experiment::Margins{5, 6});
  CHECK(parse("", {"probe.enabled=false"}).probe.enabled == Experiment::ProbeWhen::no);
  SUBCASE("a shorthand can be overridden in part") {
    const Experiment experiment = parse("rate = 0.5", {"rate.head=0.25"});
    CHECK(experiment.conv_rate(0) == 0.5);
    CHECK(experiment.head_rate(0) == 0.25);
    CHECK(parse("rate.conv = 0.5", {"rate=0.125"}).conv_rate(0) == 0.125);
  }
  SUBCASE("a named network keeps its layers when its embedding is overridden") {
    const Experiment experiment = parse("network = \"conv5\"", {"network.embedding=16"});
    CHECK(experiment.network.depth() == 5);
    CHECK(experiment.network.embedding == 16);
  }
}

TEST_CASE("unknown keys suggest the nearest known one") {
  CHECK(contains(refusal("sead = 1"), "did you mean \"seed\""));
  CHECK(contains(refusal("\n\nsead = 1"), "exp.toml, line 3"));
  CHECK(contains(refusal("[memory]\nwindwo = 1"), "did you mean \"memory.window\""));
  CHECK(contains(refusal("[views]\nkind = 1"), "did you mean \"view.kind\""));
  CHECK(contains(refusal("fixation = 1"), "did you mean \"stream.fixation\""));
  CHECK(contains(refusal("[nothing]"), "unknown key \"nothing\""));
  CHECK(contains(refusal("", {"learning_rate=1"}), "--set learning_rate=1: unknown key"));
  CHECK(contains(refusal("network.layers = [{chanels = 3}]"), "network.layers[0].chanels"));
  CHECK(contains(refusal("network.depth = 3"), "network.depth"));
}

TEST_CASE("wrong types name file, line, key, what was found and expected") {
  CHECK(refusal("events = 10\nseed = \"abc\"") ==
        "exp.toml, line 2: seed is the string \"abc\", expected an integer of at least 0");
  CHECK(contains(refusal("", {"seed=abc"}), "--set seed=abc: seed is the string \"abc\""));
  CHECK(contains(refusal("events = 1.5"), "events is the number 1.5, expected an integer"));
  CHECK(contains(refusal("block = 1"), "expected true or false"));
  CHECK(contains(refusal("block = \"true\""), "expected true or false"));
  CHECK(contains(refusal("data = \"cifar\""), "\"cifar10\", \"cifar100\""));
  CHECK(contains(refusal("data = true"), "data is true"));
  CHECK(contains(refusal("probe = 3"), "probe is the integer 3, expected a table"));
  CHECK(contains(refusal("probe.enabled = \"true\""), "\"auto\", true, false"));
  CHECK(contains(refusal("rate = \"fast\""), "rate is the string"));
  CHECK(contains(refusal("rate = 1979-05-27"), "rate is a date"));
  CHECK(contains(refusal("margins = 3"), "expected a pair"));
  CHECK(contains(refusal("margins = [1]"), "expected a pair"));
  CHECK(contains(refusal("margins = [[1, 2], 3]"), "expected a pair"));
  CHECK(contains(refusal("network = 5"), "network is the integer 5"));
  CHECK(contains(refusal("network = \"conv9\""), "conv9"));
  CHECK(contains(refusal("network.layers = []"), "expected a list of layers"));
  CHECK(contains(refusal("network.layers = [{pool = true}]"), "a table with channels"));
  CHECK(contains(refusal("network.layers = [{channels = 1, pool = true, stride = 2}]"), "expected one of them"));
  CHECK(contains(refusal("network.layers = [{channels = 1, stride = 3}]"), "network.layers[0].stride"));
  CHECK(
      contains(refusal("network.layers = [{kind = \"dense\", channels = 1}]"), "one of \"conv\", \"local\", \"pool\""));
  CHECK(contains(refusal("network.layers = [{kind = 3, channels = 1}]"), "network.layers[0].kind is the integer 3"));
  CHECK(contains(refusal("network.layers = [{kind = \"pool\"}]"), "a layer with weights below a pool"));
  CHECK(contains(refusal("network.layers = [{channels = 1, pool = true}, {kind = \"pool\"}]"), "halves the map once"));
  CHECK(contains(refusal("network.layers = [{channels = 1, stride = 2}, {kind = \"pool\"}]"), "halves the map once"));
  CHECK(contains(refusal("network.layers = [{channels = 1}, {kind = \"pool\", channels = 2}]"), "kind alone"));
  CHECK(contains(refusal("network.layers = [{channels = 1, kernel = 5}]"), "kernels are 3x3"));
  CHECK(contains(refusal("network.layers = [{channels = 1, stride = true}]"), "network.layers[0].stride"));
  CHECK(contains(refusal("network = {name = \"a b\\n\", layers = [{channels = 1}]}"), "network.name"));
}

TEST_CASE("values out of range, and keys that do not fit together") {
  CHECK(contains(refusal("seed = -1"), "seed is the integer -1"));
  CHECK(contains(refusal("events = 0"), "at least 1"));
  CHECK(contains(refusal("stream.fixation = 0"), "above 0"));
  CHECK(contains(refusal("memory.window = nan"), "memory.window is the number nan"));
  CHECK(contains(refusal("stream.fixation = inf"), "stream.fixation"));
  CHECK(contains(refusal("memory.trace = \"exponental\""), "\"window\", \"exponential\", \"synaptic\""));
  CHECK(contains(refusal("memory.trace_acts = \"both\""), "\"scale\", \"gate\""));
  CHECK(contains(refusal("memory.trace_time = 0"), "memory.trace_time"));
  CHECK(contains(refusal("memory.utilisation = 1.1"), "memory.utilisation"));
  CHECK(contains(refusal("memory.burst = 0"), "memory.burst is the integer 0"));
  CHECK(contains(refusal("memory.noise = -1"), "memory.noise"));
  CHECK(contains(refusal("error = \"units\""), "\"hinge\", \"circuit\""));
  CHECK(contains(refusal("circuit.threshold_error = nan"), "circuit.threshold_error"));
  CHECK(contains(refusal("rate = -1"), "rate.conv"));
  CHECK(contains(refusal("rate = inf"), "rate.conv"));
  CHECK(contains(refusal("margins = [[1, 2], [1, 2]]"), "margins has 2 values"));
  CHECK(contains(refusal("rate.conv = [1, 2]"), "the network has 3 layers"));
  CHECK(contains(refusal("rate.conv = []"), "rate.conv is a list of 0"));
  CHECK(contains(refusal("layer_weights = [1, 2]"), "layer_weights has 2 values"));
  CHECK(contains(refusal("layer_weights = [1, 2, -1]"), "layer_weights"));
  CHECK(contains(refusal("view.kind = \"affine-hsv\""), "needs colour images"));
  CHECK(contains(refusal("network.layers = [{channels = 70000}]"), "70000"));
  CHECK(contains(
      refusal("network.layers = [" +
              std::string("{channels = 1, pool = true},{channels = 1, pool = true},{channels = 1, pool = true},"
                          "{channels = 1, pool = true},{channels = 1, pool = true}]")),
      "layer 4"));
}

TEST_CASE("what is not TOML, and overrides that are not key=value") {
  CHECK(contains(refusal("seed = 1\nevents ="), "exp.toml, line 2"));
  CHECK(contains(refusal("seed = 1\nseed = 2"), "line 2"));
  CHECK(contains(refusal("", {"seed"}), "expected key=value"));
  CHECK(contains(refusal("", {"=1"}), "expected key=value"));
  CHECK(contains(refusal("", {"seed="}), "not TOML"));
  CHECK(contains(refusal("", {"margins=[1,"}), "not TOML"));
  CHECK(contains(refusal("", {"seed=1\nevents=2"}), "one value"));
  CHECK(contains(refusal("", {"a..b=1"}), "unknown key"));
  CHECK_THROWS_AS(load_experiment("/nowhere/exp.toml"), InputError);
  CHECK_THROWS_AS(load_experiment("/"), InputError);
}

TEST_CASE("an experiment of views that arrive") {
  const Experiment e = parse_experiment("", "exp.toml", {}, Mode::served);
  CHECK(e.stream.arrives);
  CHECK(e.stream.shape == "28x28x1");
  CHECK(e.events == Experiment::unbounded);
  CHECK(e.rate.final == 1);  // nothing falls to 0 over a run without an end
  CHECK(parse_experiment("events = 100", "exp.toml", {}, Mode::served).rate.final == 0);
  CHECK(parse_experiment(write_experiment(e), "exp.toml") == e);
  const Experiment frames =
      parse_experiment("data = \"none\"\nstream.shape = \"12x10x3\"\nstream.streams = 3", "exp.toml", {}, Mode::served);
  CHECK(frames.network.height == 12);
  CHECK(frames.network.width == 10);
  CHECK(frames.network.name == "conv5");
  const auto refused = [](const char* text, const char* part, Mode mode) {
    CHECK_THROWS_WITH_AS(parse_experiment(text, "exp.toml", {}, mode), doctest::Contains(part), InputError);
  };
  refused("data = \"none\"", "expected stream.shape", Mode::served);
  refused("stream.shape = \"12x10x3\"", "stream.shape is 12x10x3, but views of fashion-mnist are 28x28x1",
          Mode::served);
  refused("motion.path = \"trajectory\"", "says nothing beside stream.arrives", Mode::served);
  refused("stream.streams = 2000", "1024", Mode::served);
  refused("stream.streams = 2", "expected stream.file with it, or saccade serve", Mode::event);
  refused("events = \"unbounded\"", "only what arrives over the network", Mode::event);
}

TEST_CASE("a training has defaults of its own, and what is written is the same in both modes") {
  const Experiment batch = parse_experiment("", "exp.toml", {}, Mode::batch), event = parse("");
  CHECK(batch.optimiser == Experiment::Optimiser::adam);
  CHECK(batch.arithmetic == Arithmetic::fast);
  CHECK(batch.rate.conv == std::vector<double>{1e-4});
  CHECK(event.optimiser == Experiment::Optimiser::sgd);
  CHECK(event.arithmetic == Arithmetic::exact);
  CHECK(parse(write_experiment(batch)) == batch);
  CHECK(parse_experiment(write_experiment(event), "exp.toml", {}, Mode::batch) == event);
}

TEST_CASE("all negatives, the probe's own data, and the classes of a classifier") {
  const Experiment e = parse(
      "negatives = \"all\"\nloss = \"supervised\"\ndata = \"emnist-letters\"\n"
      "probe.data = \"mnist\"");
  CHECK(e.negatives == Experiment::all_negatives);
  CHECK(e.network.embedding == 26);
  CHECK(probe_data(e) == Experiment::Data::mnist);
  CHECK(probe_data(parse("data = \"mnist\"")) == Experiment::Data::mnist);
  CHECK(parse(write_experiment(e)) == e);
  CHECK(contains(refusal("negatives = -1"), "0 to 100000 or \"all\""));
  CHECK(contains(refusal("negatives = \"some\""), "\"all\""));
}

TEST_CASE("the built-in world: its size decides the network, its shapes are the classes") {
  const Experiment e = parse("data = \"world\"\nworld.pose_spread = inf");
  CHECK(e.view.kind == ViewKind::world);
  CHECK(e.network.name == "conv5");
  CHECK(e.network.height == 32);
  CHECK(parse(write_experiment(e)) == e);
  const Experiment large = parse("data = \"world\"\nworld.size = 64\nloss = \"supervised\"");
  CHECK(large.network.name == "vgg6");
  CHECK(large.network.width == 64);
  CHECK(large.network.embedding == 16);
  CHECK(parse("data = \"world\"\nview.kind = \"affine-hsv\"").view.kind == ViewKind::affine_hsv);
  CHECK(probe_data(parse("data = \"cifar10\"\nprobe.data = \"world\"")) == Experiment::Data::world);
  CHECK(contains(refusal("data = \"cifar10\"\nview.kind = \"world\""), "data = \"world\""));
  CHECK(contains(refusal("data = \"world\"\nworld.size = 8"), "16 to 128"));
}

TEST_CASE("the list of keys has a line for each, with default and unit") {
  const std::string list = list_experiment_keys();
  for (const char* key : {"seed ", "negative_weight ", "memory.window ", "rate.head ", "checkpoint.every "})
    CHECK(contains(list, std::string("\n") + key));
  CHECK(contains(list, "120000"));
  CHECK(contains(list, "fashion-mnist"));
}

}  // namespace saccade
