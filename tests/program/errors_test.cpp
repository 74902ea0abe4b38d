#include <doctest/doctest.h>

#include "engine/checkpoint.h"
#include "engine/file_system.h"
#include "program/data_folders.h"
#include "program/program.h"

/// Design.md, promise 3: bad input gets one clear line and exit code 2, and nothing is left behind.
namespace saccade::program {
namespace {

/// Runs the program and compares `folder` before and after.
void check_refused(const fs::path& folder, const Arguments& arguments, const std::vector<std::string>& parts,
                   const Environment& environment = {}) {
  const auto before = everything_in(folder);
  CHECK(refusal_fault(run(arguments, environment), arguments, parts) == "");
  CHECK_MESSAGE(everything_in(folder) == before, "something was left behind");
}

void check_key_refused(const std::string& assignment, const std::vector<std::string>& parts) {
  const TemporaryFolder temporary;
  check_refused(temporary.path, replay(temporary.path / "out", {assignment}), parts);
}

const std::vector<std::string> tiny{"network.layers=[{channels=4, pool=true}]", "network.embedding=8", "images=20",
                                    "events=8"};

}  // namespace

TEST_CASE("data: a folder that is not there") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "out", none = temporary.path / "none";
  const Arguments data{"--data", none.string(), "--set"};
  check_refused(temporary.path, replay(out) + data + Arguments{"data=cifar10"},
                {none.string(), "no such folder", "--data"});
  check_refused(temporary.path, replay(out) + data + Arguments{"data=cifar100"}, {none.string(), "no such folder"});
  check_refused(temporary.path, replay(out) + data + Arguments{"data=mnist"}, {none.string(), "no such folder"});
  check_refused(temporary.path, replay(out, {"data=cifar10"}), {none.string(), "no such folder"},
                {{"SACCADE_DATA", none.string()}});
}

TEST_CASE("data: CIFAR-10 truncated, too long, with a label out of range, incomplete") {
  const TemporaryFolder temporary;
  const fs::path folder = temporary.path / "cifar-10-batches-bin", batch = folder / "data_batch_1.bin";
  const Arguments arguments = replay(temporary.path / "out", {"data=cifar10", "images=20", "events=4"}) +
                              Arguments{"--data", temporary.path.string()};
  make_cifar10(temporary.path);
  write_cifar10_file(batch, {}, 30'729'999);
  check_refused(temporary.path, arguments, {batch.string(), "truncated", "found 30729999 bytes, expected 30730000"});
  write_cifar10_file(batch, {}, 30'730'001);
  check_refused(temporary.path, arguments, {batch.string(), "too long", "30730001", "30730000"});
  write_cifar10_file(batch, {}, 0);
  check_refused(temporary.path, arguments, {batch.string(), "found 0 bytes"});
  test::Bytes labels(3073 + 1, 0);
  labels[3073] = 10;
  write_cifar10_file(batch, labels);
  check_refused(temporary.path, arguments, {batch.string(), "label 10 of record 1 (byte 3073)", "expected 0 to 9"});
  write_cifar10_file(batch, {});
  fs::remove(folder / "test_batch.bin");
  check_refused(temporary.path, arguments, {"test_batch.bin"});
  // images = 10,001 needs the second file, and more than 50,000 there are not.
  write_cifar10_file(folder / "test_batch.bin", {});
  check_refused(temporary.path, arguments + Arguments{"--set", "images=10001"}, {"data_batch_2.bin"});
  check_refused(temporary.path, arguments + Arguments{"--set", "images=50001"}, {"images = 50001", "50000"});
}

TEST_CASE("data: IDX headers that promise too much, too little or something else") {
  const TemporaryFolder temporary;
  const fs::path folder = temporary.path / "fashion-mnist", labels = folder / "train-labels-idx1-ubyte",
                 images = folder / "train-images-idx3-ubyte";
  const Arguments arguments = replay(temporary.path / "out", tiny) + Arguments{"--data", temporary.path.string()};
  const auto refuse = [&](const fs::path& file, const test::Bytes& bytes, const std::vector<std::string>& parts) {
    make_fashion_mnist(temporary.path, 20, 20);
    test::write_file(file, bytes);
    check_refused(temporary.path, arguments, parts);
  };
  const std::uint32_t huge = 0xffffffff;
  refuse(labels, test::idx({huge}, {}), {labels.string(), "4294967295"});
  refuse(images, test::idx({huge, huge, huge}, {}), {images.string(), "4294967295", "byte 4"});
  refuse(images, test::idx({huge, 28, 28}, test::Bytes(784)), {images.string()});
  refuse(images, test::idx({20, 28, 28}, test::Bytes(784)), {images.string(), "truncated"});
  refuse(images, test::idx({19, 28, 28}, test::Bytes(19 * 784)), {images.string(), "19"});
  refuse(images, test::idx({20, 29, 28}, test::Bytes(20 * 29 * 28)), {images.string(), "29x28"});
  refuse(labels, test::idx({20}, test::Bytes(20, 10)), {labels.string(), "label 10 of image 0"});
  refuse(labels, test::Bytes(100, 'x'), {labels.string(), "magic number"});
  refuse(labels, {}, {labels.string(), "truncated"});
  // A gzipped header of 16 bytes that stands for 4 GB.
  make_fashion_mnist(temporary.path, 20, 20);
  fs::remove(images);
  test::write_file(images.string() + ".gz", test::gzip(test::idx({huge, 28, 28}, {})));
  check_refused(temporary.path, arguments, {images.string() + ".gz"});
  test::write_file(images.string() + ".gz", test::Bytes(50, 'x'));
  check_refused(temporary.path, arguments, {images.string() + ".gz"});
}

TEST_CASE("experiment: unknown keys, wrong types, values out of range") {
  check_key_refused("evnets=5", {"unknown key \"evnets\"", "did you mean \"events\""});
  check_key_refused("device=cuda", {"\"device\" is not a key", "--device"});
  check_key_refused("memory.windwo=5", {"unknown key \"memory.windwo\"", "did you mean \"memory.window\""});
  check_key_refused("network.layer=5", {"network"});
  check_key_refused("events=abc", {"events is the string \"abc\"", "expected an integer"});
  check_key_refused("events=1.5", {"events is the number 1.5", "expected an integer"});
  check_key_refused("block=1", {"block is the integer 1", "expected true or false"});
  check_key_refused("data=cifar11", {"cifar11", "\"cifar10\""});
  check_key_refused("network=conv4", {"conv4", "conv3"});
  check_key_refused("margins=[1]", {"margins", "[m1, m2]"});
  check_key_refused("margins=[nan, 1]", {"margins", "finite"});
  check_key_refused("margins=[[1,2],[1,2]]", {"margins has 2 values", "3 layers"});
  check_key_refused("rate=nan", {"rate", "finite"});
  check_key_refused("rate=-1", {"rate", "at least 0"});
  check_key_refused("events=0", {"events is the integer 0", "at least 1"});
  check_key_refused("seed=-1", {"seed is the integer -1"});
  check_key_refused("seed=9223372036854775808", {"seed"});
  check_key_refused("memory.window=0", {"memory.window", "above 0"});
  check_key_refused("view.kind=affine-hsv", {"affine-hsv", "grey"});
  check_key_refused("images=60001", {"images = 60001", "60000"});
  check_key_refused("events", {"key=value"});
  check_key_refused("=5", {"key=value"});
  check_key_refused("events=[1", {"not TOML"});
  check_key_refused(
      "network.layers=[{channels=4,pool=true},{channels=4,pool=true},{channels=4,pool=true},"
      "{channels=4,pool=true},{channels=4,pool=true}]",
      {"layer 4", "too small"});
}

TEST_CASE("experiment: traces, noise and circuits that cannot be") {
  const TemporaryFolder temporary;
  const auto refuse = [&](const std::vector<std::string>& keys, const std::vector<std::string>& parts) {
    check_refused(temporary.path, replay(temporary.path / "out", tiny + keys), parts);
  };
  refuse({"error=circuit", "block=false"}, {"error = \"circuit\"", "expected block = true"});
  refuse({"error=circuit", "circuit.noise=0.1", "margins=[0, 1]"}, {"circuit.noise", "margins above 0"});
  refuse({"memory.noise=0.1", "margins=[0, 1]"}, {"memory.noise", "margins above 0"});
  refuse({"memory.trace=synaptic", "memory.utilisation=1"}, {"memory.burst = 1", "no resources"});
  refuse({"memory.trace=synaptic-peak", "memory.recovery_time=2"}, {"memory.recovery_time is 2 s", "1.5 s"});
}

TEST_CASE("experiment: files that are malformed, missing or folders") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "my.toml", out = temporary.path / "out";
  const Arguments arguments = replay(out) + Arguments{file.string()};
  check_refused(temporary.path, arguments, {file.string(), "cannot read"});
  std::ofstream(file) << "seed = 1\nevents = = 2\n";
  check_refused(temporary.path, arguments, {file.string() + ", line 2"});
  std::ofstream(file) << "seed = 1\n\nevnets = 2\n";
  check_refused(temporary.path, arguments, {file.string() + ", line 3", "did you mean \"events\""});
  std::ofstream(file) << "seed = 1\n[memory]\nwindow = \"long\"\n";
  check_refused(temporary.path, arguments, {file.string() + ", line 3", "the string \"long\""});
  std::ofstream(file) << std::string("seed = \0", 8) << "\xff\xfe";
  check_refused(temporary.path, arguments, {file.string()});
  fs::remove(file);
  fs::create_directory(file);
  check_refused(temporary.path, arguments, {file.string(), "cannot read"});
}

TEST_CASE("--out: missing, not empty, a file, not writable") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "file", full = temporary.path / "full";
  std::ofstream(file) << "mine";
  fs::create_directory(full);
  std::ofstream(full / "note") << "mine";
  Arguments keys;
  for (const std::string& key : tiny) keys = keys + Arguments{"--set", key};
  check_refused(temporary.path, Arguments{"replay"} + keys, {"--out DIR"});
  check_refused(temporary.path, replay(full, tiny), {full.string(), "not empty", "--resume"});
  check_refused(temporary.path, replay(file, tiny), {file.string(), "file"});
  check_refused(temporary.path, replay(file / "below", tiny), {(file / "below").string()});
  check_refused(temporary.path, replay("/proc/saccade", tiny), {"/proc/saccade"});
  check_refused(temporary.path, replay(temporary.path / std::string(300, 'x'), tiny), {"too long"});
}

TEST_CASE("a path that the system does not take is named, with the system's word") {
  const std::string name(300, 'n');
  const Outcome result = run({"inspect", name});
  CHECK(result.code == 1);
  CHECK(result.err == "saccade: " + name + ": File name too long\n");
}

TEST_CASE("experiment files whose reading would take the stack or the day") {
  const TemporaryFolder temporary;
  const fs::path file = temporary.path / "x.toml";
  std::string parts = "a";
  for (int i = 0; i < 40'000; ++i) parts += ".a";
  for (const std::string& text :
       {parts + " = 1", "[" + parts + "]", "x = {" + parts + " = 1}", "\"\"." + parts + " = 1"}) {
    std::ofstream(file) << text;
    check_refused(temporary.path, {"audit", file.string()}, {file.string(), "more than 100 parts"});
    check_refused(temporary.path, {"sweep", file.string(), "--out", (temporary.path / "out").string()},
                  {file.string(), "more than 100 parts"});
  }
  std::ofstream(file) << "# " << std::string(5 << 20, 'x');
  check_refused(temporary.path, {"audit", file.string()}, {file.string(), "expected at most 4194304"});
  check_key_refused(parts + "=1", {"--set a.a", "more than 100 parts"});
}

TEST_CASE("--resume: not a run, and nothing beside it") {
  const TemporaryFolder temporary;
  const std::string folder = (temporary.path / "run").string();
  check_refused(temporary.path, {"replay", "--resume", folder}, {folder, "no such folder"});
  fs::create_directory(folder);
  check_refused(temporary.path, {"replay", "--resume", folder}, {folder, "not the folder of a run"});
  std::ofstream(fs::path(folder) / "note") << "mine";
  check_refused(temporary.path, {"replay", "--resume", folder}, {folder, "not the folder of a run"});
  check_refused(temporary.path, {"replay", "--resume", folder, "--set", "seed=2"}, {"--set"});
  check_refused(temporary.path, {"replay", "--resume", folder, "--out", folder}, {"--out"});
  check_refused(temporary.path, {"replay", "x.toml", "--resume", folder}, {"experiment file"});
  // What was a run once, without anything to start from.
  std::ofstream(fs::path(folder) / "experiment.toml") << "seed = 1\n";
  std::ofstream(fs::path(folder) / "checkpoint-5.ckpt") << "";
  check_refused(temporary.path, {"replay", "--resume", folder}, {folder, "no usable checkpoint"});
}

TEST_CASE("flags and environment") {
  const TemporaryFolder temporary;
  const Arguments arguments = replay(temporary.path / "out", tiny);
  check_refused(temporary.path, arguments + Arguments{"--threads", "-1"}, {"--threads"});
  check_refused(temporary.path, arguments + Arguments{"--threads", "many"}, {"--threads"});
  check_refused(temporary.path, arguments + Arguments{"--device", "cuda"}, {"--device cuda", "cpu"});
  check_refused(temporary.path, arguments + Arguments{"--device", "tpu"}, {"tpu"});
  check_refused(temporary.path, arguments + Arguments{"--colour"}, {"--colour"});
  check_refused(temporary.path, arguments + Arguments{"a.toml", "b.toml"}, {"b.toml", "expected"});
  check_refused(temporary.path, arguments, {"SACCADE_ISA", "nonsense", "avx2"}, {{"SACCADE_ISA", "nonsense"}});
}

TEST_CASE("inspect and probe: files that are not ours, or not whole") {
  const TemporaryFolder temporary;
  const fs::path run_folder = temporary.path / "run", file = temporary.path / "file";
  REQUIRE(run(replay(run_folder, tiny)).code == 0);
  const std::string checkpoint = text_of(run_folder / "checkpoint-8.ckpt");
  const auto refuse_both = [&](const fs::path& name, const std::vector<std::string>& parts) {
    check_refused(temporary.path, {"inspect", name.string()}, parts);
    check_refused(temporary.path, {"probe", "--checkpoint", name.string(), "--out", (temporary.path / "out").string()},
                  parts);
  };
  const auto refuse_bytes = [&](const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    refuse_both(file, {file.string()});
  };
  refuse_both(temporary.path / "missing", {"missing"});
  refuse_both(run_folder, {run_folder.string()});
  refuse_both(run_folder / "experiment.toml", {"experiment.toml"});
  refuse_both(SACCADE_PROGRAM, {SACCADE_PROGRAM});
  refuse_both("/dev/null", {"/dev/null"});
  refuse_bytes("");
  refuse_bytes(std::string(100'000, 'x'));
  for (const std::size_t size : {std::size_t{1}, std::size_t{31}, std::size_t{32}, std::size_t{40},
                                 checkpoint.size() / 2, checkpoint.size() - 9})
    refuse_bytes(checkpoint.substr(0, size));
  for (const std::size_t at : {std::size_t{9}, std::size_t{20}, checkpoint.size() / 2, checkpoint.size() - 20}) {
    std::string flipped = checkpoint;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    refuse_bytes(flipped);
  }
  // A file of ours of another kind.
  const fs::path trace = run_folder / "events.trace";
  check_refused(temporary.path, {"probe", "--checkpoint", trace.string(), "--out", (temporary.path / "out").string()},
                {trace.string(), "checkpoint"});
}

TEST_CASE("probe: command line") {
  const TemporaryFolder temporary;
  const fs::path run_folder = temporary.path / "run", out = temporary.path / "out";
  REQUIRE(run(replay(run_folder, tiny)).code == 0);
  const Arguments probe{"probe", "--checkpoint", (run_folder / "checkpoint-8.ckpt").string(), "--out"};
  check_refused(temporary.path, {"probe", "--out", out.string()}, {"--checkpoint"});
  check_refused(temporary.path, {probe[0], probe[1], probe[2]}, {"--out DIR"});
  check_refused(temporary.path, probe + Arguments{run_folder.string()}, {"not empty"});
  check_refused(temporary.path, probe + Arguments{"/proc/saccade"}, {"/proc/saccade"});
  check_refused(temporary.path, probe + Arguments{out.string(), "--set", "seed=2"}, {"seed=2", "probe."});
  check_refused(temporary.path, probe + Arguments{out.string(), "--set", "probe.epochs=0"}, {"probe.epochs"});
  check_refused(temporary.path, probe + Arguments{out.string(), "--threads", "-1"}, {"--threads"});
}

TEST_CASE("probe and resume: a checkpoint whose contents do not fit together") {
  const TemporaryFolder temporary;
  const fs::path run_folder = temporary.path / "run", file = run_folder / "checkpoint-8.ckpt";
  REQUIRE(run(replay(run_folder, tiny)).code == 0);
  fs::remove(run_folder / "checkpoint-0.ckpt");
  const Checkpoint whole = load_checkpoint(real_files(), file);
  const auto refuse = [&](const Checkpoint& checkpoint, const std::string& part, bool probe_too) {
    save_checkpoint(real_files(), file, checkpoint);
    CAPTURE(part);
    if (probe_too)
      check_refused(temporary.path,
                    {"probe", "--checkpoint", file.string(), "--out", (temporary.path / "out").string()}, {part});
    check_refused(temporary.path, {"replay", "--resume", run_folder.string()}, {part});
  };
  Checkpoint damaged = whole;
  std::erase_if(damaged.tensors, [](const Tensor& tensor) { return tensor.name == "conv.0.weight"; });
  refuse(damaged, "conv.0.weight", true);
  damaged = whole;
  for (Tensor& tensor : damaged.tensors)
    if (tensor.name == "head.0.weight") tensor.shape[0] = 7, tensor.data.resize(tensor.data.size() / 8 * 7);
  refuse(damaged, "head.0.weight", true);
  damaged = whole;
  damaged.experiment = "evnets = 3\n";
  save_checkpoint(real_files(), file, damaged);
  check_refused(temporary.path, {"probe", "--checkpoint", file.string(), "--out", (temporary.path / "out").string()},
                {"did you mean"});
  check_refused(temporary.path, {"replay", "--resume", run_folder.string()}, {"experiment.toml", "--out"});
  damaged = whole;
  damaged.integers.clear();
  refuse(damaged, "not made by saccade replay", false);
  for (const auto& list : whole.reals) {
    damaged = whole;
    for (auto& other : damaged.reals)
      if (other.name == list.name) other.values.clear();
    refuse(damaged, run_folder.string(), false);
  }
  for (const auto& list : whole.integers) {
    damaged = whole;
    for (auto& other : damaged.integers)
      if (other.name == list.name) other.values.clear();
    refuse(damaged, run_folder.string(), false);
  }
}

}  // namespace saccade::program
