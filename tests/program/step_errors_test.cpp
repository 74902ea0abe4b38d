#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "program/program.h"
#include "tools/safetensors.h"

/// `saccade step` with input that cannot be meant: one line, exit code 2, no output file.
namespace saccade::program {
namespace {

struct StepFiles {
  TemporaryFolder temporary;
  fs::path weights = temporary.path / "w", views = temporary.path / "v", out = temporary.path / "o",
           network = temporary.path / "net.toml";
  SafeTensors good_weights, good_views;

  StepFiles() {
    std::ofstream(network) << "[network]\nlayers = [{channels = 3, pool = true}, {channels = 2}]\n";
    const auto tensor = [](const char* name, std::vector<std::size_t> shape) {
      std::size_t elements = 1;
      for (std::size_t extent : shape) elements *= extent;
      Tensor t{name, shape, std::vector<float>(elements)};
      for (std::size_t i = 0; i < elements; ++i) t.data[i] = 0.1f * static_cast<float>(i % 7) - 0.3f;
      return t;
    };
    good_weights.reals = {tensor("conv.0.weight", {3, 1, 3, 3}), tensor("conv.1.weight", {2, 3, 3, 3}),
                          tensor("head.1.weight", {5, 2 * 14 * 14}), tensor("head.1.bias", {5})};
    good_views.reals = {tensor("a", {3, 1, 28, 28}), tensor("b", {3, 1, 28, 28})};
    good_views.integers = {{"label", {3}, {0, 4, 2}}};
    write(good_weights, good_views);
  }
  void write(const SafeTensors& w, const SafeTensors& v) const {
    write_safetensors(weights, w);
    write_safetensors(views, v);
  }
  Arguments arguments(const Arguments& more = {}) const {
    return Arguments{"step",  "--weights",  weights.string(), "--views",       views.string(),
                     "--out", out.string(), "--network",      network.string()} +
           more;
  }
  void refused(const Arguments& more, const std::vector<std::string>& parts) const {
    const auto before = everything_in(temporary.path);
    CHECK(refusal_fault(run(arguments(more)), more, parts) == "");
    CHECK_MESSAGE(everything_in(temporary.path) == before, "something was left behind");
  }
  void refused_tensor(bool in_weights, const std::string& name, std::vector<std::size_t> shape,
                      const std::vector<std::string>& parts, const Arguments& more = {}) const {
    SafeTensors w = good_weights, v = good_views;
    for (Tensor& tensor : (in_weights ? w : v).reals)
      if (tensor.name == name) {
        std::size_t elements = 1;
        for (std::size_t extent : shape) elements *= extent;
        tensor.shape = shape;
        tensor.data.assign(elements, 0.5f);
      }
    write(w, v);
    refused(more, parts);
    write(good_weights, good_views);
  }
};

}  // namespace

TEST_CASE("step: numbers that are not finite are told") {
  const StepFiles files;
  SafeTensors weights = files.good_weights, views = files.good_views;
  weights.reals[0].data[5] = std::numeric_limits<float>::infinity();
  views.reals[1].data[0] = views.reals[1].data[1] = std::numeric_limits<float>::quiet_NaN();
  files.write(weights, views);
  const Outcome outcome = run(files.arguments());
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.err, files.weights.string() + ": conv.0.weight: 1 of 27 values are not finite"));
  CHECK(contains(outcome.err, files.views.string() + ": b: 2 of 2352 values are not finite"));
}

TEST_CASE("step: what it would destroy") {
  const StepFiles files;
  const auto to = [&](const fs::path& out) {
    return Arguments{"step",       "--weights", files.weights.string(), "--views", files.views.string(), "--out",
                     out.string(), "--network", files.network.string()};
  };
  const fs::path pipe = files.temporary.path / "pipe", link = files.temporary.path / "link";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  fs::create_symlink(files.weights, link);
  const std::string before = text_of(files.weights);
  for (const auto& [out, why] : {std::pair{files.weights, "is read, too"},
                                 {files.views, "is read, too"},
                                 {link, "is read, too"},
                                 {pipe, "no plain file"},
                                 {fs::path("/dev/null"), "no plain file"}})
    CHECK(refusal_fault(run(to(out)), to(out), {out.string(), why}) == "");
  CHECK(text_of(files.weights) == before);
  CHECK(fs::is_fifo(pipe));
  // One of a run.
  std::ofstream(files.temporary.path / "data-folder.txt") << "\n";
  const fs::path metrics = files.temporary.path / "metrics.csv";
  std::ofstream(metrics) << "mine";
  CHECK(refusal_fault(run(to(metrics)), to(metrics), {metrics.string(), "belongs to a run"}) == "");
  // What would be waited for, or never end.
  for (const std::string& endless : {pipe.string(), std::string("/dev/zero")}) {
    Arguments line = to(files.out);
    line[2] = endless;
    CHECK(refusal_fault(run(line), line, {endless, "no plain file"}) == "");
  }
}

TEST_CASE("step: the good case, so that the refusals mean something") {
  const StepFiles files;
  for (const Arguments& more : {Arguments{}, Arguments{"--loss", "supervised"}, Arguments{"--loss", "simclr"},
                                Arguments{"--layer", "1", "--negatives", "all", "--no-block"}}) {
    const Outcome outcome = run(files.arguments(more));
    CAPTURE(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(fs::exists(files.out));
  }
}

TEST_CASE("step: tensors that are missing or of another shape or type") {
  const StepFiles files;
  for (const char* name : {"conv.0.weight", "conv.1.weight", "head.1.weight", "a", "b"}) {
    SafeTensors w = files.good_weights, v = files.good_views;
    for (SafeTensors* file : {&w, &v}) std::erase_if(file->reals, [&](const Tensor& t) { return t.name == name; });
    files.write(w, v);
    files.refused({}, {name});
    files.write(files.good_weights, files.good_views);
  }
  files.refused({"--rule", "rf"}, {"feedback."});
  files.refused({"--layer", "0"}, {"head.0.weight"});
  SafeTensors no_label = files.good_views, no_bias = files.good_weights;
  no_label.integers.clear();
  files.write(files.good_weights, no_label);
  files.refused({"--loss", "supervised"}, {"label"});
  std::erase_if(no_bias.reals, [](const Tensor& t) { return t.name == "head.1.bias"; });
  files.write(no_bias, files.good_views);
  files.refused({"--loss", "supervised"}, {"head.1.bias"});
  files.write(files.good_weights, files.good_views);

  files.refused_tensor(true, "conv.0.weight", {3, 1, 9}, {"conv.0.weight", "3, 1, 9"});
  files.refused_tensor(true, "conv.0.weight", {3, 2, 3, 3}, {"conv.0.weight"});
  files.refused_tensor(true, "conv.1.weight", {2, 3, 5, 5}, {"conv.1.weight"});
  files.refused_tensor(true, "head.1.weight", {5, 391}, {"head.1.weight", "391"});
  files.refused_tensor(true, "head.1.weight", {5 * 392}, {"head.1.weight"});
  files.refused_tensor(true, "head.1.weight", {0, 392}, {"head.1.weight"});
  files.refused_tensor(true, "head.1.weight", {70000, 1}, {"head.1.weight"});
  files.refused_tensor(true, "head.1.bias", {4}, {"head.1.bias"}, {"--loss", "supervised"});
  files.refused_tensor(false, "a", {3, 3, 28, 28}, {"tensor a", "3, 3, 28, 28", "1, 28, 28"});
  files.refused_tensor(false, "b", {3, 1, 28, 27}, {"tensor b"});
  files.refused_tensor(false, "b", {2, 1, 28, 28}, {"a has 3", "b has 2"});
  files.refused_tensor(false, "a", {0, 1, 28, 28}, {"tensor a"});
  files.refused_tensor(false, "a", {3 * 784}, {"tensor a"});
}

TEST_CASE("step: options") {
  const StepFiles files;
  files.refused({"--margins", "nan,1"}, {"--margins", "nan"});
  files.refused({"--margins", "1,nan"}, {"--margins", "nan"});
  files.refused({"--margins", "1,inf"}, {"--margins", "inf"});
  files.refused({"--margins", "-1,1"}, {"--margins", "-1"});
  files.refused({"--margins", "1"}, {"--margins"});
  files.refused({"--margins", "1,2,3"}, {"--margins"});
  files.refused({"--negative-weight", "nan"}, {"--negative-weight", "nan"});
  files.refused({"--negative-weight", "inf"}, {"--negative-weight", "inf"});
  files.refused({"--negative-weight", "-1"}, {"--negative-weight"});
  files.refused({"--negatives", "-1"}, {"--negatives -1"});
  files.refused({"--negatives", "some"}, {"--negatives some"});
  files.refused({"--negatives", "99999999999"}, {"--negatives"});
  files.refused({"--layer", "2"}, {"--layer 2", "0 to 1"});
  files.refused({"--layer", "-1"}, {"--layer -1"});
  files.refused({"--layer", "top"}, {"--layer"});
  files.refused({"--loss", "l2"}, {"l2"});
  files.refused({"--rule", "hebb"}, {"hebb"});
  files.refused({"--device", "cuda"}, {"--device cuda"});
  files.refused({"--threads", "-1"}, {"--threads"});
  Arguments other = files.arguments();
  other.back() = "conv4";
  CHECK(contains(run(other).err, "conv4"));
  other.back() = (files.temporary.path / "none.toml").string();
  CHECK(contains(run(other).err, "none.toml"));
  other[6] = (files.temporary.path / "none" / "o").string();
  other.back() = files.network.string();
  CHECK(run(other).code == 2);
  other[6] = files.temporary.path.string();  // a folder
  CHECK(run(other).code == 2);
}

TEST_CASE("step: labels out of range") {
  const StepFiles files;
  for (const std::int64_t label : {std::int64_t{5}, std::int64_t{-1}, std::int64_t{1} << 32, INT64_MAX, INT64_MIN}) {
    SafeTensors views = files.good_views;
    views.integers[0].data[1] = label;
    files.write(files.good_weights, views);
    files.refused({"--loss", "supervised"}, {"label", std::to_string(label)});
  }
  SafeTensors views = files.good_views;
  views.integers[0] = {"label", {2}, {0, 1}};
  files.write(files.good_weights, views);
  files.refused({"--loss", "supervised"}, {"label"});
}

TEST_CASE("step: files that are missing, folders, or hostile") {
  const StepFiles files;
  const std::string good = text_of(files.weights);
  const auto refuse = [&](const std::string& bytes) {
    for (const fs::path& file : {files.weights, files.views}) {
      const std::string before = text_of(file);
      std::ofstream(file, std::ios::binary) << bytes;
      files.refused({}, {file.string()});
      std::ofstream(file, std::ios::binary) << before;
    }
  };
  refuse("");
  refuse("1234567");
  refuse(std::string(8, '\xff') + "{}");
  refuse(std::string("\x02\0\0\0\0\0\0\0", 8) + "[]");
  refuse(good.substr(0, good.size() - 1));
  refuse(good + "x");
  refuse(good.substr(0, 100));
  const auto header = [](const std::string& json, std::size_t data) {
    const std::uint64_t length = json.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return bytes + json + std::string(data, '\0');
  };
  refuse(header("{\"conv.0.weight\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0));
  refuse(header("{\"conv.0.weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4));
  refuse(header("{\"conv.0.weight\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8));
  refuse(header(std::string(100'000, '['), 0));
  refuse(header("{\"a\\nb\":\"\n\"}", 0));
  fs::remove(files.weights);
  files.refused({}, {files.weights.string()});
  fs::create_directory(files.weights);
  files.refused({}, {files.weights.string()});
}

}  // namespace saccade::program
