#include <doctest/doctest.h>

#include <cmath>
#include <csignal>

#include "program/data_folders.h"
#include "program/program.h"
#include "streams/image_file.h"

namespace saccade::program {
namespace {

/// A table in a few seconds: 40 noisy images, two steps an epoch.
Arguments reproduce(const std::string& table, const fs::path& data, const fs::path& out, const Arguments& more = {}) {
  return Arguments{"reproduce",
                   table,
                   "--quiet",
                   "--data",
                   data.string(),
                   "--out",
                   out.string(),
                   "--encoder-data",
                   "cifar10",
                   "--images",
                   "40",
                   "--set",
                   "batch=20",
                   "--set",
                   "probe.images=40",
                   "--set",
                   "probe.epochs=1",
                   "--set",
                   "probe.test_images=40"} +
         more;
}

const Arguments one_epoch{"--epochs", "1"};

}  // namespace

TEST_CASE("a row of a table runs once and is kept; tables share their runs") {
  const TemporaryFolder folder;
  make_cifar10(folder.path);
  const fs::path out = folder.path / "out", run_folder = out / "runs/table1/e2e-bp-all/seed-1";
  const Arguments first =
      reproduce("table1", folder.path, out, one_epoch + Arguments{"--row", "hinge e2e bp, all", "--json"});
  const Outcome outcome = run(first);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const auto cells = nlohmann::json::parse(outcome.out)["cells"];
  REQUIRE(cells.size() == 1);
  CHECK(cells[0]["published"] == 71.44);
  CHECK(cells[0]["n"] == 1);
  CHECK(cells[0]["epochs"] == 1);
  CHECK(cells[0]["images"] == 40);
  const auto summary = json_of(run_folder / "summary.json");
  REQUIRE(summary["probe"].size() == 1);
  CHECK(std::abs(cells[0]["ours_mean"].get<double>() - 100 * summary["probe"][0]["accuracy"].get<double>()) <= 1e-9);
  const std::string markdown = text_of(out / "table1.md");
  CHECK(contains(markdown, "epochs 1 instead of 400"));
  CHECK(contains(markdown, "data \"cifar10\" instead of \"cifar100\""));
  CHECK(contains(text_of(out / "table1.csv"), "\"hinge e2e bp, all negatives\""));

  SUBCASE("asked again, nothing runs and nothing of the run changes") {
    const auto before = everything_in(run_folder);
    const auto written = fs::last_write_time(run_folder / "summary.json");
    CHECK(run(first).out == outcome.out);
    CHECK(everything_in(run_folder) == before);
    CHECK(fs::last_write_time(run_folder / "summary.json") == written);
  }
  SUBCASE("another protocol in the same folder is refused and says what differs") {
    const auto before = everything_in(out);
    const Arguments other = reproduce("table1", folder.path, out, {"--epochs", "2", "--row", "hinge e2e bp, all"});
    CHECK(refusal_fault(run(other), other, {"epochs 1 instead of 2", "--out"}) == "");
    CHECK(everything_in(out) == before);
  }
  SUBCASE("Table 3 probes the same encoder again") {
    const auto before = everything_in(run_folder);
    const Outcome third = run(reproduce("table3", folder.path, out, one_epoch + Arguments{"--row", "hinge, 5,000"}));
    INFO(third.err);
    CHECK(third.code == 0);
    CHECK(everything_in(run_folder) == before);
    const auto probe = json_of(out / "probes/table3/hinge-5000-labels/seed-1/summary.json");
    CHECK(probe["deformed_probe"].size() == 1);
    CHECK(probe["random_probe"].empty());
    CHECK(contains(third.out, "52.84"));
  }
}

TEST_CASE("an interrupted or killed table goes on with the same command, to the same bits") {
  const TemporaryFolder folder;
  make_cifar10(folder.path);
  const auto arguments = [&](const char* out) {
    return reproduce("table1", folder.path, folder.path / out,
                     {"--epochs", "6", "--row", "hinge e2e bp, blocked", "--set", "checkpoint.every=1"});
  };
  const fs::path inside = "runs/table1/e2e-bp-few/seed-1";
  REQUIRE(run(arguments("whole")).code == 0);
  const auto whole = json_of(folder.path / "whole" / inside / "summary.json");
  for (const int signal : {SIGINT, SIGKILL}) {
    const char* out = signal == SIGINT ? "interrupted" : "killed";
    INFO(out);
    Process process(arguments(out));
    const fs::path run_folder = folder.path / out / inside;
    REQUIRE(eventually([&] { return process.ended() || fs::exists(run_folder / "checkpoint-2.ckpt"); }));
    process.send(signal);
    const Outcome stopped = process.wait();
    if (signal == SIGINT) {
      CHECK(stopped.code == 130);
      CHECK(contains(stopped.err, "the same command goes on"));
      CHECK(contains(text_of(folder.path / out / "table1.md"), "Not finished: 1 of 1"));
    }
    const Outcome resumed = run(arguments(out));
    INFO(resumed.err);
    CHECK(resumed.code == 0);
    const auto summary = json_of(run_folder / "summary.json");
    CHECK(summary["fingerprint"] == whole["fingerprint"]);
    CHECK(summary["probe"][0]["accuracy"] == whole["probe"][0]["accuracy"]);
  }
}

TEST_CASE("figures of views and of initial distances need no run") {
  const TemporaryFolder folder;
  make_cifar10(folder.path);
  const fs::path out = folder.path / "out";
  REQUIRE(run(reproduce("fig5", folder.path, out)).code == 0);
  // 5 layers, positives and negatives, 60 bins, and the header.
  CHECK(count(text_of(out / "fig5-distances.csv"), "\n") == 601);
  REQUIRE(run({"reproduce", "fig9", "--data", folder.path.string(), "--out", out.string()}).code == 0);
  CHECK(text_of(out / "fig9.png").substr(1, 3) == "PNG");
  CHECK(contains(text_of(out / "fig9.html"), "data:image/png;base64,"));
  CHECK_FALSE(fs::exists(out / "runs"));
}

TEST_CASE("sheets of views: each deformation alone beside the image as it is, and pairs of views") {
  const TemporaryFolder folder;
  make_cifar10(folder.path);
  const fs::path presets = folder.path / "presets";
  fs::create_directories(presets);
  fs::copy(fs::path(SACCADE_PROGRAM).parent_path() / "presets/table1", presets / "table1");
  const auto sheet = [&](const std::string& name, const std::string& show, const std::string& kind) {
    std::ofstream(presets / (name + ".toml")) << "title = \"own\"\nfigure = \"views\"\n[[cell]]\nname = \"sheet\"\n"
                                              << "preset = \"table1/e2e-bp-all\"\nshow = \"" << show << "\"\n";
    const Outcome outcome = run(reproduce(name, folder.path, folder.path / name, {"--set", "view.kind=" + kind}),
                                {{"SACCADE_PRESETS", presets.string()}});
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return read_image(folder.path / name / (name + ".png"), 3);
  };
  /// The picture in a row and a column of a sheet, with a line of a pixel between pictures.
  const auto picture = [](const Picture& of, int row, int column) {
    std::vector<std::uint8_t> bytes;
    for (int y = 0; y < 32; ++y) {
      const auto line = of.bytes.begin() + ((row * 33 + y) * of.width + column * 33) * 3;
      bytes.insert(bytes.end(), line, line + 32 * 3);
    }
    return bytes;
  };
  const auto affine = sheet("fig2", "single", "affine-hsv");
  CHECK(affine.width == 6 * 33 - 1);
  CHECK(affine.height == 6 * 33 - 1);
  for (const char* name : {"original", "warp", "flip", "saturation", "hue", "all"})
    CHECK_MESSAGE(contains(text_of(folder.path / "fig2" / "fig2.html"), ">" + std::string(name) + "</th>"), name);
  for (int row = 0; row < 6; row += 2) {
    CAPTURE(row);
    CHECK(picture(affine, row, 0) == picture(affine, row + 1, 0));  // two draws of one image
    CHECK(picture(affine, row, 2) == picture(affine, row + 1, 2));  // flipped there is but one way
    for (int column : {1, 3, 4, 5}) {
      CAPTURE(column);
      CHECK(picture(affine, row, column) != picture(affine, row, 0));
      CHECK(picture(affine, row, column) != picture(affine, row + 1, column));
    }
  }
  CHECK(sheet("fig9", "single", "crop-jitter").width == 9 * 33 - 1);
  CHECK(sheet("fig5", "single", "random-crop-flip").width == 3 * 33 - 1);
  const auto pairs = sheet("fig10", "pairs", "affine-hsv");
  CHECK(pairs.width == 10 * 33 - 1);
  CHECK(pairs.height == 4 * 33 - 1);
  for (int column = 0; column < 10; ++column) CHECK(picture(pairs, 0, column) != picture(pairs, 1, column));
}

TEST_CASE("loss curves, accuracies per layer and t-SNE come from runs, with presets of one's own") {
  const TemporaryFolder folder;
  make_cifar10(folder.path);
  const fs::path presets = folder.path / "presets", out = folder.path / "out";
  fs::create_directories(presets);
  fs::copy(fs::path(SACCADE_PROGRAM).parent_path() / "presets/table1", presets / "table1");
  for (const auto& [name, figure] : {std::pair{"fig6", "losses"}, {"fig7", "layers"}, {"fig8", "tsne"}})
    std::ofstream(presets / (std::string(name) + ".toml"))
        << "title = \"own\"\nfigure = \"" << figure
        << "\"\n[[cell]]\nname = \"gll bp\"\npreset = \"table1/gll-bp-few\"\n"
        << (std::string(name) == "fig7" ? "probe = [\"probe.layers=all\"]\n" : "");
  for (const char* name : {"fig6", "fig7", "fig8"}) {
    const Outcome outcome = run(reproduce(name, folder.path, out, one_epoch), {{"SACCADE_PRESETS", presets.string()}});
    INFO(name << ": " << outcome.err);
    REQUIRE(outcome.code == 0);
    CHECK(contains(text_of(out / (std::string(name) + ".html")), "<svg"));
  }
  CHECK(json_of(out / "probes/fig7/gll-bp/seed-1/summary.json")["probe"].size() == 5);
  for (const char* layer : {"0", "4"}) {
    // The 40 test images and the header.
    CHECK(count(text_of(out / (std::string("fig8-layer-") + layer + ".csv")), "\n") == 41);
  }
}

TEST_CASE("reproduce refuses what it does not know, and lists what it does") {
  const TemporaryFolder folder;
  const std::string out = (folder.path / "out").string();
  const auto refused = [&](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK_FALSE(fs::exists(out));
  };
  refused({"reproduce", "table7", "--out", out}, {"table7", "table1", "fig10"});
  refused({"reproduce", "table1"}, {"--out"});
  refused({"reproduce", "--out", out}, {"which table", "table1"});
  refused({"reproduce", "table3", "--row", "nowhere", "--out", out}, {"nowhere", "\"hinge, 50,000 labels\""});
  refused({"reproduce", "table3", "--set", "epoch=3", "--out", out}, {"epoch", "epochs"});
  refused({"reproduce", "table1", "--seeds", "2,1,2", "--out", out}, {"--seeds", "2 stands there twice"});
  refused({"reproduce", "table1", "--set", "seed=3", "--out", out}, {"--set seed=3", "--seeds"});
  const Arguments lost{"reproduce", "table1", "--out", out};
  CHECK(refusal_fault(run(lost, {{"SACCADE_PRESETS", out}}), lost, {"SACCADE_PRESETS", "not a folder"}) == "");
  const Outcome list = run({"reproduce", "--list"});
  CHECK(list.code == 0);
  for (const char* part :
       {"table1  Table 1", "hinge rll urf, blocked, few negatives", "table1/rll-urf-few.toml", "fig8"})
    CHECK_MESSAGE(contains(list.out, part), part);
  const nlohmann::json tables = nlohmann::json::parse(run({"reproduce", "--list", "--json"}).out);
  CHECK(tables[0]["table"] == "table1");
  for (const auto& table : tables)
    for (const auto& cell : table["cells"]) CHECK_MESSAGE(fs::is_regular_file(cell["preset"].get<std::string>()), cell);
  // A run's folder is no place for a table.
  REQUIRE(run(replay(out, {"events=4", "images=20", "probe.enabled=false"})).code == 0);
  const Arguments in_run{"reproduce", "table1", "--out", out};
  CHECK(refusal_fault(run(in_run), in_run, {"the folder of a run"}) == "");
}

}  // namespace saccade::program
