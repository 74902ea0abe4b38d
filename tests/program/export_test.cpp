#include <doctest/doctest.h>

#include "program/data_folders.h"
#include "program/program.h"
#include "program/python.h"
#include "tools/report/metrics_file.h"
#include "tools/safetensors.h"

/// `saccade export` as a user would run it, and what others read of a run.
namespace saccade::program {
namespace {

const std::string layers =
    "[{channels=5, pool=true, activation=\"tanh\"}, {channels=7, stride=2, activation=\"hardtanh\"}, "
    "{channels=18, activation=\"relu\"}]";
const std::string layers_json =
    R"([{"pool": true, "activation": "tanh"}, {"stride": 2, "activation": "hardtanh"}, {"activation": "relu"}])";

struct Runs {
  TemporaryFolder temporary;
  fs::path data = temporary.path / "data";

  Runs() {
    make_fashion_mnist(data, 200, 150);
    make("replay", "rll", {"schedule=rll", "rule=rf", "events=81", "record.every=20", "optimiser=adam", "rate=1e-3"});
    make("train", "dtp", {"rule=dtp", "epochs=2"});
    make("train", "supervised", {"loss=supervised", "epochs=2", "rate=1e-2"});
  }

  fs::path folder(const std::string& name) const { return temporary.path / name; }

 private:
  void make(const char* command, const char* name, const std::vector<std::string>& keys) const {
    Arguments arguments{command, "--quiet", "--data", data.string(), "--out", folder(name).string()};
    for (const std::string& key : keys) arguments = arguments + Arguments{"--set", key};
    for (const std::string& key :
         std::vector<std::string>{"network.layers=" + layers, "network.embedding=6", "images=200", "batch=20",
                                  "arithmetic=exact", "margins=[0.1, 2]", "probe.enabled=false"})
      arguments = arguments + Arguments{"--set", key};
    const Outcome outcome = run(arguments);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
  }
};

const Runs& runs() {
  static const Runs all;
  return all;
}

SafeTensors exported(const Arguments& arguments, const fs::path& out) {
  const Outcome outcome = run(Arguments{"export", "--quiet", "--out", out.string()} + arguments);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.empty());
  return read_safetensors(out);
}

std::vector<std::string> names_of(const SafeTensors& tensors) {
  std::vector<std::string> names;
  for (const IntegerTensor& tensor : tensors.integers) names.push_back(tensor.name);
  for (const Tensor& tensor : tensors.reals) names.push_back(tensor.name);
  return names;
}

}  // namespace

TEST_CASE("export: the weights of a run, by name, with what they come from") {
  const TemporaryFolder temporary;
  const fs::path folder = runs().folder("rll");
  const SafeTensors weights = exported({folder.string()}, temporary.path / "w");
  CHECK(names_of(weights) == std::vector<std::string>{"conv.0.weight", "head.0.weight", "feedback.head.0.weight",
                                                      "conv.1.weight", "head.1.weight", "feedback.head.1.weight",
                                                      "conv.2.weight", "head.2.weight", "feedback.head.2.weight"});
  CHECK(weights.real("conv.1.weight")->shape == std::vector<std::size_t>{7, 5, 3, 3});
  CHECK(weights.real("head.1.weight")->shape == std::vector<std::size_t>{6, 7 * 7 * 7});
  CHECK(weights.metadata.at("event") == "81");
  CHECK(weights.metadata.at("network") == "custom");
  CHECK(weights.metadata.at("experiment") == text_of(folder / "experiment.toml"));
  CHECK(weights.metadata.at("fingerprint") == json_of(folder / "summary.json")["fingerprint"]);
  // A checkpoint by its name; an older one has other weights.
  exported({(folder / "checkpoint-81.ckpt").string()}, temporary.path / "same");
  CHECK(text_of(temporary.path / "same") == text_of(temporary.path / "w"));
  const SafeTensors first = exported({(folder / "checkpoint-0.ckpt").string()}, temporary.path / "first");
  CHECK(first.real("conv.0.weight")->data != weights.real("conv.0.weight")->data);
  CHECK(first.real("feedback.head.0.weight")->data == weights.real("feedback.head.0.weight")->data);

  CHECK(names_of(exported({runs().folder("dtp").string()}, temporary.path / "dtp")) ==
        std::vector<std::string>{"conv.0.weight", "conv.1.weight", "conv.2.weight", "head.2.weight",
                                 "dtp.conv.1.weight", "dtp.conv.2.weight", "dtp.head.weight"});
  const SafeTensors supervised = exported({runs().folder("supervised").string()}, temporary.path / "s");
  REQUIRE(supervised.real("head.2.bias"));
  CHECK(supervised.real("head.2.bias")->shape == std::vector<std::size_t>{10});
  CHECK(supervised.real("head.2.weight")->shape[0] == 10);
}

TEST_CASE("export: saccade step takes the files as they are, and finds the same embeddings") {
  for (const auto& [name, options] : std::vector<std::pair<std::string, Arguments>>{
           {"rll", {"--rule", "rf", "--layer", "1"}}, {"supervised", {"--loss", "supervised"}}}) {
    CAPTURE(name);
    const TemporaryFolder temporary;
    const fs::path folder = runs().folder(name), weights = temporary.path / "w", out = temporary.path / "step";
    exported({folder.string()}, weights);
    const SafeTensors shown =
        exported({folder.string(), "--embeddings", "train", "--images", "70", "--views"}, temporary.path / "e");
    SafeTensors views;
    for (const char* side : {"a", "b"}) {
      views.reals.push_back(*shown.real("view"));
      views.reals.back().name = side;
    }
    views.integers.push_back(*shown.integer("label"));
    write_safetensors(temporary.path / "views", views);
    const Outcome outcome =
        run(Arguments{"step", "--quiet", "--weights", weights.string(), "--views", (temporary.path / "views").string(),
                      "--out", out.string(), "--network", (folder / "experiment.toml").string()} +
            options);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    const std::string embedding = name == "rll" ? "embedding.1" : "embedding.2";
    CHECK(read_safetensors(out).real("embedding.b")->data == shown.real(embedding)->data);
  }
}

TEST_CASE("export: embeddings, features and views, recomputed by numpy") {
  if (!has_numpy()) {
    MESSAGE("python3-numpy is not installed: what others read of ours is not tested");
    return;
  }
  const fs::path data = runs().data / "fashion-mnist";
  for (const std::string name : {"rll", "dtp", "supervised"}) {
    CAPTURE(name);
    const TemporaryFolder temporary;
    const fs::path weights = temporary.path / "w", embeddings = temporary.path / "e";
    exported({runs().folder(name).string()}, weights);
    const SafeTensors tensors = exported(
        {runs().folder(name).string(), "--embeddings", "test", "--features", "--views", "--images", "0"}, embeddings);
    CHECK(tensors.integer("label")->data.size() == 150);
    const Outcome outcome =
        check_with_numpy({"export", weights.string(), embeddings.string(), layers_json,
                          (data / "t10k-images-idx3-ubyte").string(), (data / "t10k-labels-idx1-ubyte").string()});
    CAPTURE(outcome.out);
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(count(outcome.out, "\n") == (name == "rll" ? 7 : 5));
    // The check detects the embeddings of another network.
    exported({(runs().folder(name) / "checkpoint-0.ckpt").string()}, temporary.path / "first");
    SafeTensors first = read_safetensors(temporary.path / "first");
    first.metadata = tensors.metadata;
    write_safetensors(temporary.path / "first", first);
    const Outcome wrong =
        check_with_numpy({"export", (temporary.path / "first").string(), embeddings.string(), layers_json,
                          (data / "t10k-images-idx3-ubyte").string(), (data / "t10k-labels-idx1-ubyte").string()});
    CHECK(wrong.code == 1);
    CHECK(contains(wrong.err, "AssertionError: ('features.0'"));
  }
}

TEST_CASE("export: which images, which layers") {
  const TemporaryFolder temporary;
  const std::string rll = runs().folder("rll").string();
  const SafeTensors all = exported({rll, "--embeddings", "test", "--views"}, temporary.path / "all");
  CHECK(names_of(all) == std::vector<std::string>{"label", "view", "embedding.0", "embedding.1", "embedding.2"});
  CHECK(all.metadata.at("images") == "the first 150 test images");
  const SafeTensors one =
      exported({rll, "--embeddings", "test", "--layer", "1", "--images", "65"}, temporary.path / "1");
  CHECK(names_of(one) == std::vector<std::string>{"label", "embedding.1"});
  const std::vector<float>& some = one.real("embedding.1")->data;
  CHECK(std::equal(some.begin(), some.end(), all.real("embedding.1")->data.begin()));
  // Threads change nothing; deformed images are others, each time the same.
  exported({rll, "--embeddings", "test", "--views", "--threads", "3"}, temporary.path / "threads");
  CHECK(text_of(temporary.path / "threads") == text_of(temporary.path / "all"));
  const SafeTensors deformed = exported({rll, "--embeddings", "test", "--views", "--deformed"}, temporary.path / "d");
  CHECK(deformed.real("view")->data != all.real("view")->data);
  CHECK(deformed.integer("label")->data == all.integer("label")->data);
  CHECK(exported({rll, "--embeddings", "train"}, temporary.path / "train").integer("label")->data.size() == 200);
  // End to end there is one head; the features of the other layers can be had.
  const std::string dtp = runs().folder("dtp").string();
  CHECK(names_of(exported({dtp, "--embeddings", "test", "--layer", "0", "--features"}, temporary.path / "f")) ==
        std::vector<std::string>{"label", "features.0"});
  // What is written and what is said agree.
  const Outcome json = run({"export", rll, "--out", (temporary.path / "j").string(), "--json"});
  const auto said = nlohmann::json::parse(json.out);
  CHECK(said["bytes"] == fs::file_size(temporary.path / "j"));
  CHECK(said["tensors"].size() == 9);
  CHECK(said["tensors"][3]["shape"] == std::vector<int>{7, 5, 3, 3});
}

TEST_CASE("export: what cannot be is refused, and nothing is left") {
  const TemporaryFolder temporary;
  const std::string rll = runs().folder("rll").string(), dtp = runs().folder("dtp").string(),
                    out = (temporary.path / "out").string();
  const fs::path damaged = temporary.path / "damaged", empty = temporary.path / "empty";
  fs::create_directory(empty);
  std::string bytes = text_of(runs().folder("rll") / "checkpoint-81.ckpt");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(damaged, std::ios::binary) << bytes;
  const auto before = everything_in(temporary.path);
  for (const auto& [arguments, parts] : std::vector<std::pair<Arguments, std::vector<std::string>>>{
           {{"/nothing/here"}, {"/nothing/here"}},
           {{empty.string()}, {empty.string(), "no usable checkpoint"}},
           {{damaged.string()}, {damaged.string()}},
           {{rll + "/events.trace"}, {"events.trace", "checkpoint"}},
           {{rll, "--layer", "1"}, {"--embeddings"}},
           {{rll, "--embeddings", "some"}, {"some"}},
           {{rll, "--embeddings", "test", "--layer", "3"}, {"--layer 3", "0 to 2"}},
           {{rll, "--embeddings", "test", "--layer", "-1"}, {"--layer -1", "0 to 2"}},
           {{rll, "--embeddings", "test", "--images", "-5"}, {"--images -5"}},
           {{dtp, "--embeddings", "test", "--layer", "0"}, {"--layer 0", "layer 2 alone", "--features"}}}) {
    const Arguments all = Arguments{"export", "--out", out} + arguments;
    const Outcome outcome = run(all);
    CHECK(refusal_fault(outcome, all, parts) == "");
    CHECK(everything_in(temporary.path) == before);
  }
  fs::remove(out);
  for (const Arguments& what : {Arguments{}, Arguments{"--embeddings", "test"}}) {
    const Arguments nowhere = Arguments{"export", rll, "--out", "/nothing/here/x"} + what;
    CHECK(refusal_fault(run(nowhere), nowhere, {"/nothing/here/x"}) == "");
  }
  // A full disk leaves what was there before.
  const std::string older = out + ".safetensors";
  std::ofstream(older) << "older";
  const Outcome full = run({"export", rll, "--embeddings", "test", "--features", "--out", older}, {},
                           {"sh", "-c", "trap '' XFSZ; ulimit -f 20; exec \"$@\"", "sh"});
  CHECK(full.code == 1);
  CHECK(contains(full.err, "File too large"));
  CHECK(text_of(older) == "older");
  CHECK(!fs::exists(older + ".tmp"));
}

TEST_CASE("metrics.csv: one observation a row, as numpy reads it") {
  if (!has_numpy()) {
    MESSAGE("python3-numpy is not installed: what others read of ours is not tested");
    return;
  }
  for (const auto& [name, header] :
       std::vector<std::pair<std::string, std::string>>{{"rll", event_metrics_header}, {"dtp", batch_metrics_header}}) {
    CAPTURE(name);
    const fs::path file = runs().folder(name) / "metrics.csv";
    const Outcome outcome = check_with_numpy({"csv", file.string(), header});
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    std::size_t rows = 0;
    double sum = 0;
    for (const MetricSeries& series : read_metrics(file)) {
      rows += series.values.size();
      for (const double value : series.values) sum += value;
    }
    std::istringstream said(outcome.out);
    std::size_t rows_there = 0, columns = 0;
    double sum_there = 0;
    said >> rows_there >> columns >> sum_there;
    CHECK(rows_there == rows);
    CHECK(rows > 8);
    CHECK(columns == 5);
    CHECK(sum_there == doctest::Approx(sum).epsilon(1e-12));
  }
}

}  // namespace saccade::program
