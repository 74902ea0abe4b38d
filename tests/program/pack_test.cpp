#include <doctest/doctest.h>
#include <fmt/format.h>

#include "data_folders.h"
#include "engine/view_file.h"
#include "program.h"
#include "streams/image_files.h"

/// Recorded streams: `pack`, `replay --stream`, and what `inspect` makes of their files.
namespace saccade::program {
namespace {

struct Folder : TemporaryFolder {
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

/// Fashion-MNIST of a size of our own.
struct SmallData : Folder {
  SmallData() { make_fashion_mnist(path, 60, 40); }
};

const std::vector<std::string> keys{"stream.dwell=uniform", "stream.returns=0.3", "motion.path=trajectory"};

Arguments pack(const std::string& out, const std::string& data, const Arguments& more = {}) {
  Arguments all{"pack", "--quiet", "--out", out, "--data", data};
  for (const std::string& key : keys) all = all + Arguments{"--set", key};
  return all + more;
}

/// The run of the stream that `pack` records.
Arguments generated(const fs::path& out, const std::string& data, const std::string& events) {
  std::vector<std::string> all = keys;
  all.push_back("events=" + events);
  return replay(out, all) + Arguments{"--data", data};
}

Arguments replay_of(const std::string& stream, const fs::path& out, const Arguments& more = {}) {
  return Arguments{"replay", "--quiet", "--out", out.string(), "--stream", stream} + more;
}

std::string fingerprint_of(const fs::path& run) { return json_of(run / "summary.json")["fingerprint"]; }

/// The picture of the first views in a run's report.
std::string first_views(const fs::path& run) {
  const std::string report = text_of(run / "report.html"), mark = "data:image/png;base64,";
  const std::size_t at = report.find(mark);
  REQUIRE(at != std::string::npos);
  const std::string picture = report.substr(at, report.find('"', at) - at);
  REQUIRE(picture.size() > 1000);
  return picture;
}

nlohmann::json inspect(const std::string& file, const Arguments& more = {}) {
  const Outcome outcome = run(Arguments{"inspect", "--json", file} + more);
  const auto told = nlohmann::json::parse(outcome.out);
  REQUIRE(outcome.code == (told.contains("damage") && (!told["damage"].empty() || told["whole"] == false) ? 1 : 0));
  return told;
}

/// A shell that runs `script`, in which "$@" is the program with its arguments.
Outcome in_shell(const std::string& script, const Arguments& arguments) {
  return run(arguments, {}, {"/bin/sh", "-c", script, "sh"});
}

TEST_CASE("a generated stream, its recipes and its pixels teach the same") {
  const SmallData data;
  const Folder folder;
  const std::string recipes = folder / "recipes.views", pixels = folder / "pixels.views",
                    again = folder / "again.views";
  REQUIRE(run(pack(recipes, data.path, {"--events", "301"})).code == 0);
  REQUIRE(run(pack(pixels, data.path, {"--events", "301", "--pixels"})).code == 0);
  REQUIRE(run(generated(folder / "generated", data.path, "301")).code == 0);
  REQUIRE(run(replay_of(recipes, folder.path / "recipes", {"--data", data.path})).code == 0);
  REQUIRE(run(replay_of(pixels, folder.path / "pixels")).code == 0);  // no data set
  const std::string fingerprint = fingerprint_of(folder.path / "generated");
  CHECK(fingerprint_of(folder.path / "recipes") == fingerprint);
  CHECK(fingerprint_of(folder.path / "pixels") == fingerprint);
  const std::string trace = text_of(folder.path / "generated" / "events.trace");
  CHECK(text_of(folder.path / "recipes" / "events.trace") == trace);
  CHECK(text_of(folder.path / "pixels" / "events.trace") == trace);
  const std::string views = first_views(folder.path / "generated");
  CHECK(first_views(folder.path / "recipes") == views);
  CHECK(first_views(folder.path / "pixels") == views);
  const auto summary = json_of(folder.path / "pixels" / "summary.json");
  CHECK(summary["data"] == "none");
  CHECK(summary["stream"]["file"] == "pixels.views");
  CHECK(summary["events"] == 301);
  CHECK(contains(text_of(folder.path / "pixels" / "report.html"), "pixels.views"));

  // Recorded from the recording, recipes become the same pixels; and the run's own experiment file runs again.
  REQUIRE(run({"pack", "--quiet", "--out", again, "--data", data.path, "--set", "stream.file=" + recipes, "--pixels"})
              .code == 0);
  CHECK(inspect(again)["records"] == inspect(pixels)["records"]);
  REQUIRE(run({"replay", "--quiet", (folder.path / "pixels" / "experiment.toml").string(), "--out", folder / "rerun"})
              .code == 0);
  CHECK(fingerprint_of(folder.path / "rerun") == fingerprint);
}

TEST_CASE("a run from a recording is interrupted and resumed to the same bits; another file is refused") {
  const SmallData data;
  const Folder folder;
  const std::string file = folder / "F.views";
  REQUIRE(run(pack(file, data.path, {"--events", "3000", "--pixels"})).code == 0);
  const Arguments every{"--set", "checkpoint.every=100"};
  REQUIRE(run(replay_of(file, folder.path / "whole", every)).code == 0);
  Process process(replay_of(file, folder.path / "run", every));
  REQUIRE(eventually([&] { return process.ended() || fs::exists(folder.path / "run" / "checkpoint-300.ckpt"); }));
  process.send(SIGKILL);
  process.wait();
  const Arguments resume{"replay", "--quiet", "--resume", folder / "run"};
  const std::string kept = folder / "kept.views";
  fs::rename(file, kept);
  CHECK(refusal_fault(run(resume), resume, {"F.views", "No such file"}) == "");
  REQUIRE(run(pack(file, data.path, {"--events", "3000", "--pixels", "--set", "seed=2"})).code == 0);
  CHECK(refusal_fault(run(resume), resume, {"F.views", "another stream", "stream.hash"}) == "");
  fs::rename(kept, file);
  REQUIRE(run(resume).code == 0);
  CHECK(fingerprint_of(folder.path / "run") == fingerprint_of(folder.path / "whole"));
}

TEST_CASE("what a recording decides cannot be said otherwise") {
  const SmallData data;
  const Folder folder;
  const std::string recipes = folder / "recipes.views", pixels = folder / "pixels.views", out = folder / "run";
  REQUIRE(run(pack(recipes, data.path, {"--events", "50"})).code == 0);
  REQUIRE(run(pack(pixels, data.path, {"--events", "50", "--pixels"})).code == 0);
  const auto refused = [&](const std::string& stream, const Arguments& more, const std::vector<std::string>& parts) {
    const Arguments arguments = replay_of(stream, out, more);
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK(!fs::exists(out));
  };
  const std::string at = data.path.string();
  refused(recipes, {"--data", at, "--set", "events=51"}, {"events = 51", "50 views"});
  refused(recipes, {"--data", at, "--set", "data=cifar10"}, {"data is \"cifar10\"", "\"fashion-mnist\""});
  refused(recipes, {"--data", at, "--set", "view.kind=plain"}, {"view.kind", "\"affine\""});
  refused(recipes, {"--data", at, "--set", "stream.dwell=fixed"}, {"stream.dwell", "leave it out"});
  refused(recipes, {"--data", at, "--set", "motion.path=trajectory"}, {"motion.path", "leave it out"});
  refused(pixels, {"--set", "data=fashion-mnist"}, {"data", "\"none\""});
  refused(pixels, {"--set", "probe.enabled=true"}, {"probe.data", "28x28x1"});
  refused(pixels, {"--set", "probe.data=cifar10", "--data", at}, {"cifar10 are 32x32x3", "28x28x1"});
  refused(pixels, {"--set", "measure.every=10"}, {"measure.every", "expected 0"});
  refused(folder / "none.views", {}, {"none.views"});
  refused(at, {}, {at});
  const SmallData other;
  make_fashion_mnist(other.path, 61, 40);
  fs::resize_file(other.path / "fashion-mnist" / "train-images-idx3-ubyte", 0);
  make_fashion_mnist(other.path, 59, 40);
  refused(recipes, {"--data", other.path}, {"60", "59"});
  const auto check = [](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
  };
  check({"replay", "--out", out, "--set", "data=none"}, {"data is \"none\""});
  check({"replay", "--out", out, "--set", "stream.hash=abc"}, {"stream.hash", "stream.file"});
  check({"train", "--out", out, "--set", "stream.file=" + pixels}, {"stream.file", "saccade replay"});
  // Other views than the recorded ones are drawn from the data set beside recipes.
  CHECK(run(replay_of(recipes, folder.path / "measured",
                      {"--data", at, "--set", "measure.every=10", "--set", "measure.pairs=4"}))
            .code == 0);
  CHECK(contains(text_of(folder.path / "measured" / "metrics.csv"), "\n50,"));
  CHECK(contains(text_of(folder.path / "measured" / "metrics.csv"), ",conv_event_descent,"));
  // The probe's data set stands in where a stream of pixels has none.
  CHECK(run(replay_of(pixels, folder.path / "probed",
                      {"--data", at, "--set", "probe.data=fashion-mnist", "--set", "probe.enabled=true", "--set",
                       "probe.epochs=1"}))
            .code == 0);
  CHECK(json_of(folder.path / "probed" / "summary.json")["probe"].size() == 3);
}

TEST_CASE("inspect lists, verifies and shows a recorded stream") {
  const SmallData data;
  const Folder folder;
  const std::string file = folder / "F.views";
  const Outcome packed = run(pack(file, data.path, {"--events", "40", "--json"}));
  REQUIRE(packed.code == 0);
  const auto said = nlohmann::json::parse(packed.out);
  CHECK(said["views"] == 40);
  CHECK(said["bytes"] == fs::file_size(file));
  const auto json = inspect(file, {"--show", "3"});
  CHECK(json["kind"] == "views");
  CHECK(json["content"] == "recipes");
  CHECK(json["shape"] == nlohmann::json{28, 28, 1});
  CHECK(json["source"] == "fashion-mnist");
  CHECK(json["source_images"] == 60);
  CHECK(json["planned"] == 40);
  CHECK(json["records"]["view"] == 40);
  CHECK(json["fixations"] == said["fixations"]);
  CHECK(json["whole"] == true);
  CHECK(json["damage"].empty());
  CHECK(contains(json["description"], "stream.dwell = \"uniform\""));
  REQUIRE(json["events"].size() == 3);
  CHECK(json["events"][0]["event"] == "view");
  CHECK(json["events"][0]["kind"] == "affine");
  const Outcome text = run({"inspect", file, "--show", "2"});
  CHECK(contains(text.out, "40 view"));
  CHECK(contains(text.out, "affine"));
  fs::resize_file(file, fs::file_size(file) - 1);
  const auto cut = inspect(file);
  CHECK(cut["whole"] == false);
  CHECK(cut["damage"][0]["tail"] == true);
  const Arguments again = pack(file, data.path, {"--events", "40"});
  CHECK(refusal_fault(run(again), again, {"F.views", "exists already"}) == "");
}

TEST_CASE("a recording that is killed is recovered; one that is interrupted is whole") {
  const SmallData data;
  const Folder folder;
  for (const int signal : {SIGKILL, SIGINT}) {
    const std::string file = folder / ("F" + std::to_string(signal) + ".views");
    Process process(pack(file, data.path, {"--events", "100000000"}));
    REQUIRE(eventually([&] {
      return process.ended() || (fs::exists(file + ".partial") && fs::file_size(file + ".partial") > 300'000);
    }));
    process.send(signal);
    const Outcome outcome = process.wait();
    if (signal == SIGKILL) {
      CHECK(!fs::exists(file));
      CHECK(inspect(file + ".partial")["whole"] == false);
      const Arguments again = pack(file, data.path, {"--events", "10"}),
                      early = replay_of(file + ".partial", folder / "early");
      CHECK(refusal_fault(run(again), again, {".partial", "--recover"}) == "");
      CHECK(refusal_fault(run(early), early, {".partial", "--recover"}) == "");
      const auto recovered = inspect(file + ".partial", {"--recover", file + ".saved"});
      CHECK(recovered["records"] > 1000);
      CHECK(recovered["saccades_restored"] == 0);
      fs::rename(file + ".saved", file);
    } else {
      CHECK(outcome.code == 130);
      CHECK(contains(outcome.out, "interrupted"));
    }
    CHECK(inspect(file)["whole"] == true);
    CHECK(run(replay_of(file, folder / ("run" + std::to_string(signal)), {"--data", data.path, "--set", "events=500"}))
              .code == 0);
  }
  // The same views as those of a recording that was let alone.
  REQUIRE(run(generated(folder / "generated", data.path, "500")).code == 0);
  CHECK(fingerprint_of(folder / "run9") == fingerprint_of(folder / "generated"));
  CHECK(fingerprint_of(folder / "run2") == fingerprint_of(folder / "generated"));
}

TEST_CASE("raw frames from a pipe: whole, torn, none, a terminal; sizes that cannot be") {
  const Folder folder;
  const std::string file = folder / "F.views";
  const auto raw = [&](const std::string& size, const Arguments& more = {}) {
    return Arguments{"pack", "--quiet", "--raw", size, "--out", file} + more;
  };
  const Arguments small = raw("4x6x1", {"--fps", "50", "--fixation", "4"});
  const auto frames = [](int bytes) { return "head -c " + std::to_string(bytes) + " /dev/zero | \"$@\""; };
  CHECK(in_shell(frames(240), small).code == 0);
  auto json = inspect(file);
  CHECK(json["content"] == "pixels");
  CHECK(json["shape"] == nlohmann::json{4, 6, 1});
  CHECK(json["records"]["view"] == 10);
  CHECK(json["fixations"] == 3);
  CHECK(json["time_s"][1] == 0.18);
  CHECK(contains(json["description"], "50 per second"));
  fs::remove(file);

  CHECK(refusal_fault(in_shell(frames(239), small), small, {"frame 9", "1 of its 24 bytes", "9 views before", file}) ==
        "");
  CHECK(inspect(file)["records"]["view"] == 9);
  CHECK(inspect(file)["whole"] == true);
  fs::remove(file);
  CHECK(refusal_fault(in_shell(frames(0), small), small, {"standard input", "empty"}) == "");
  CHECK(refusal_fault(in_shell(frames(23), small), small, {"frame 0", "1 of its 24"}) == "");
  CHECK(fs::is_empty(folder.path));
  REQUIRE(in_shell(frames(2400), small + Arguments{"--events", "7"}).code == 0);
  CHECK(inspect(file)["records"]["view"] == 7);
  fs::remove(file);

  const Outcome stopped = in_shell("while head -c 24 /dev/zero; do sleep 0.002; done | \"$@\" & p=$!; until [ -s " +
                                       file + ".partial ]; do sleep 0.05; done; kill -TERM $p; wait $p",
                                   small);
  CHECK(stopped.code == 130);
  CHECK(contains(stopped.out, "interrupted"));
  CHECK(inspect(file)["whole"] == true);
  fs::remove(file);

  for (const std::string size :
       {"4", "4x", "x4", "4x6x2", "0x6", "-4x6", "4x6x1x1", "4x6x", "99999x99999", "4,6", "4x6 "}) {
    CAPTURE(size);
    CHECK(refusal_fault(in_shell(frames(100), raw(size)), raw(size), {size.substr(0, 4)}) == "");
  }
  const Arguments mixed = raw("4x6", {"--pixels"});
  CHECK(refusal_fault(in_shell(frames(72), mixed), mixed, {"--pixels"}) == "");
  CHECK(fs::is_empty(folder.path));
  // util-linux's script gives the program a terminal.
  const Outcome terminal = in_shell("script -qec \"$*\" /dev/null </dev/null", small);
  CHECK(terminal.code == 2);
  CHECK(contains(terminal.out, "terminal"));
}

TEST_CASE("a clip that ffmpeg makes is packed, inspected and learned from") {
  if (std::system("command -v ffmpeg >/dev/null") != 0) {
    MESSAGE("SKIPPED: ffmpeg is not installed; nothing was tested");
    return;
  }
  const Folder folder;
  const std::string file = folder / "clip.views";
  const std::string clip =
      "ffmpeg -v error -nostdin -f lavfi -i testsrc2=size=32x32:rate=30 -t 2 -f rawvideo -pix_fmt rgb24 -";
  REQUIRE(in_shell(clip + " | \"$@\"", {"pack", "--quiet", "--raw", "32x32", "--fps", "30", "--out", file}).code == 0);
  const auto json = inspect(file);
  CHECK(json["records"]["view"] == 60);
  CHECK(json["fixations"] == 6);
  CHECK(json["time_s"][1] == 1.966667);
  CHECK(json["shape"] == nlohmann::json{32, 32, 3});
  CHECK(json["bytes_per_view"] < 3072 + 250);
  // The pixels are ffmpeg's bytes.
  const std::string raw = folder / "clip.rgb";
  REQUIRE(std::system((clip + " > " + raw).c_str()) == 0);
  const std::string frames = text_of(raw);
  REQUIRE(frames.size() == 60 * 3072);
  ViewFileReader reader(real_files(), file);
  std::size_t at = 0;
  while (const auto event = reader.next()) {
    if (const auto* view = std::get_if<View>(&*event))
      for (const float pixel : *view->pixels)
        REQUIRE(pixel == static_cast<float>(static_cast<std::uint8_t>(frames[at++])) * byte_scale);
  }
  CHECK(at == frames.size());
  const Outcome learned = run(replay_of(file, folder / "run"));
  REQUIRE(learned.code == 0);
  const auto summary = json_of(folder.path / "run" / "summary.json");
  CHECK(summary["events"] == 60);
  CHECK(summary["updates"] > 0);
}

}  // namespace
TEST_CASE("pack --frames: listed images, packed, looked at and learned from without a data set") {
  const Folder folder;
  const test::Bytes rows = test::noise(24 * 20 * 3, 3);
  std::string list = "time,object,view,path\n";
  for (int frame = 0; frame < 60; ++frame) {
    test::Bytes picture = rows;
    for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<std::uint8_t>(picture[i] / 2 + frame);
    const std::string name = fmt::format("frame {}.png", frame);
    test::write_file(folder.path / name,
                     test::png_of({24, 20, 8, test::Colour::rgb}, test::scanlines(picture, 20 * 3)));
    list += fmt::format("{},object {},{},{}\n", frame * 0.1, frame / 4, frame % 4, name);
  }
  std::ofstream(folder / "list.csv") << list;
  const std::string file = folder / "frames.views";
  const Arguments arguments{"pack", "--quiet", "--frames", folder / "list.csv", "--size", "16x16x1", "--out", file};
  const Outcome packed = run(arguments);
  CAPTURE(packed.err);
  REQUIRE(packed.code == 0);
  const auto told = inspect(file);
  CHECK(told["fixations"] == 15);
  CHECK(told["records"]["view"] == 60);
  CHECK(told["records"]["saccade"] == 14);
  REQUIRE(run({"views", "--quiet", "--stream", file, "--out", folder / "sheet", "--fixations", "5"}).code == 0);
  const std::string table = text_of(folder / "sheet/views.csv");
  CHECK(contains(table, "\n0.5,1,1,5,,plain,"));
  REQUIRE(run(replay_of(file, folder.path / "run")).code == 0);
  CHECK(json_of(folder.path / "run" / "summary.json")["events"] == 60);

  const auto refuses = [&](const Arguments& bad, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(bad), bad, parts) == "");
  };
  const std::string other = folder / "other.views";
  refuses({"pack", "--frames", folder / "list.csv", "--events", "61", "--out", other}, {"61", "60 frames"});
  refuses({"pack", "--frames", folder / "list.csv", "--size", "0x4", "--out", other}, {"--size 0x4"});
  refuses({"pack", "--frames", folder / "list.csv", "--size", "16x16x2", "--out", other}, {"1 or 3 channels"});
  refuses({"pack", "--frames", folder / "list.csv", "--set", "seed=2", "--out", other}, {"leave out"});
  refuses({"pack", "--frames", folder / "none.csv", "--out", other}, {"none.csv"});
  CHECK_FALSE(fs::exists(other));
  // A damaged frame in the middle: what was whole before it is kept, and the message says so.
  test::write_file(folder.path / "frame 30.png", test::Bytes{0x89, 'P', 'N', 'G'});
  const Arguments damaged{"pack", "--quiet", "--frames", folder / "list.csv", "--out", other};
  CHECK(refusal_fault(run(damaged), damaged, {"frame 30.png", "the 30 views before"}) == "");
  CHECK(inspect(other)["records"]["view"] == 30);
}

TEST_CASE("recordings of the world and of a folder bring what their views are rendered from") {
  const Folder folder;
  const test::Bytes rows = test::noise(12 * 12 * 3, 3);
  for (int image = 0; image < 10; ++image) {
    test::Bytes picture = rows;
    picture[0] = static_cast<std::uint8_t>(image);
    test::write_file(folder.path / "photos" / (image % 2 ? "a" : "b") / fmt::format("{}.png", image),
                     test::png_of({12, 12, 8, test::Colour::rgb}, test::scanlines(picture, 12 * 3)));
  }
  const std::vector<std::vector<std::string>> sources{
      {"data=world", "world.size=24", "world.seed=3", "world.objects=40", "world.train_stills=20",
       "world.test_stills=20", "motion.path=trajectory"},
      {"data=folder", "folder.path=photos", "folder.height=16", "folder.width=20"}};
  for (const std::vector<std::string>& source : sources) {
    CAPTURE(source[0]);
    const std::string name = folder / source[0];
    Arguments all{"--data", folder.path.string()};
    for (const std::string& key : source) all = all + Arguments{"--set", key};
    const Arguments conv3{"--set", "network=conv3"}, events{"--events", "60"};
    REQUIRE(run(Arguments{"replay", "--quiet", "--set", "events=60", "--out", name + "-run"} + conv3 + all).code == 0);
    REQUIRE(run(Arguments{"pack", "--quiet", "--out", name + ".recipes"} + events + conv3 + all).code == 0);
    REQUIRE(run(Arguments{"pack", "--quiet", "--pixels", "--out", name + ".pixels"} + events + conv3 + all).code == 0);
    const std::string fingerprint = fingerprint_of(name + "-run");
    for (const std::string kind : {".recipes", ".pixels"}) {
      const Outcome outcome =
          run(replay_of(name + kind, name + kind + "-run", conv3 + Arguments{"--data", folder.path.string()}));
      CAPTURE(outcome.err);
      REQUIRE(outcome.code == 0);
      CHECK(fingerprint_of(name + kind + "-run") == fingerprint);
    }
    const Arguments none{"export", name + ".pixels-run", "--embeddings", "test", "--out", name + ".safetensors"};
    CHECK(refusal_fault(run(none), none, {"no labelled images"}) == "");
    const Arguments wrong{"export", name + ".pixels-run", "--out", name + ".pixels"};
    CHECK(refusal_fault(run(wrong), wrong, {"another kind", ".safetensors"}) == "");
  }
  const Arguments large{"pack", "--frames", folder / "list.csv", "--size", "5000x5000", "--out", folder / "large"};
  std::ofstream(folder / "list.csv") << "time,object,view,path\n0,a,0,photos/a/1.png\n";
  CHECK(refusal_fault(run(large), large, {"5000x5000x3", "2^24"}) == "");
}

}  // namespace saccade::program
