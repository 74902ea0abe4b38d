#include <doctest/doctest.h>

#include "program/program.h"
#include "streams/image_files.h"

/// Learning from image files, as a user has them: folders of PNG and JPEG, of different sizes.
namespace saccade::program {
namespace {

/// Three classes of noise in red, green or blue; 8 training and 4 test images each, every third one a JPEG.
void make_pictures(const fs::path& folder) {
  std::uint32_t seed = 1;
  for (const auto& [part, images] : {std::pair{"train", 8}, std::pair{"test", 4}})
    for (int label = 0; label < 3; ++label)
      for (int i = 0; i < images; ++i) {
        const int height = 12 + i, width = 20 - i;
        test::Bytes pixels = test::noise(static_cast<std::size_t>(height * width * 3), seed++);
        for (std::size_t p = 0; p < pixels.size(); ++p)
          if (static_cast<int>(p % 3) != label) pixels[p] /= 8;
        test::write_file(
            folder / part / std::string(1, static_cast<char>('a' + label)) / std::to_string(i),
            i % 3 == 2 ? test::jpeg_file(height, width, 3, pixels) : test::png_file(height, width, 3, pixels));
      }
}

const std::vector<std::string> small{"data=folder",         "folder.path=my pictures",
                                     "folder.height=10",    "folder.width=10",
                                     "events=80",           "network.layers=[{channels=4, pool=true}]",
                                     "probe.epochs=30",     "probe.batch=6",
                                     "probe.rate=0.01",     "probe.enabled=true",
                                     "probe.images=0",      "probe.untrained=false",
                                     "probe.deformed=false"};

}  // namespace

TEST_CASE("a folder of images: learning, probing, again from its experiment.toml, on any number of threads") {
  const TemporaryFolder temporary;
  make_pictures(temporary.path / "my pictures");
  const Arguments data{"--data", temporary.path.string()};
  const Outcome outcome = run(replay(temporary.path / "out", small) + data + Arguments{"--json"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.err.empty());
  const auto summary = nlohmann::json::parse(outcome.out);
  CHECK(summary["data"] == "folder");
  CHECK(summary["events"] == 80);
  const auto& pixels = summary["pixels_probe"][0];
  CHECK(pixels["features"] == 300);
  CHECK(pixels["accuracy"] == 1.0);  // the classes have colours of their own
  CHECK(pixels["protocol"].get<std::string>().find("first 24 training images of folder my pictures") !=
        std::string::npos);
  CHECK(pixels["protocol"].get<std::string>().find("12 plain test images") != std::string::npos);
  for (const char* threads : {"1", "5"}) {
    const fs::path out = temporary.path / (std::string("again-") + threads);
    const Outcome again = run(Arguments{"replay", (temporary.path / "out" / "experiment.toml").string(), "--quiet",
                                        "--threads", threads, "--out", out.string()} +
                              data);
    REQUIRE_MESSAGE(again.code == 0, again.err);
    CHECK(again.err.empty());
    CHECK(json_of(out / "summary.json")["fingerprint"] == summary["fingerprint"]);
  }
}

TEST_CASE("a folder of images: supervised training, once it is said how many classes there are") {
  const TemporaryFolder temporary;
  make_pictures(temporary.path / "my pictures");
  const auto train = [&](const char* name, const Arguments& more) {
    Arguments arguments{
        "train", "--quiet", "--data", temporary.path.string(), "--out", (temporary.path / name).string()};
    for (const std::string& key : small)
      if (!key.starts_with("events")) arguments = arguments + Arguments{"--set", key};
    arguments = arguments + Arguments{"--set", "loss=supervised", "--set", "epochs=1", "--set", "batch=12"} + more;
    return run(arguments);
  };
  const Outcome trained = train("out", {"--set", "folder.classes=3"});
  CHECK_MESSAGE(trained.code == 0, trained.err);
  const Outcome unsaid = train("unsaid", {});
  CHECK(unsaid.code == 2);
  CHECK(unsaid.err.find("folder.classes") != std::string::npos);
  const Outcome wrong = train("wrong", {"--set", "folder.classes=4"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err.find("3 classes, expected 4") != std::string::npos);
}

TEST_CASE("a folder of images: bad ones are refused by name") {
  const TemporaryFolder temporary;
  const fs::path pictures = temporary.path / "my pictures", victim = pictures / "train" / "b" / "4";
  const Arguments arguments = replay(temporary.path / "out", small) + Arguments{"--data", temporary.path.string()};
  const auto refuse = [&](const std::vector<std::string>& parts) {
    const auto before = everything_in(temporary.path);
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK_MESSAGE(everything_in(temporary.path) == before, "something was left behind");
  };
  refuse({pictures.string(), "no such folder", "folder.path"});
  make_pictures(pictures);
  const std::string whole = text_of(victim);
  fs::resize_file(victim, whole.size() - 20);
  refuse({victim.string(), "damaged PNG", "truncated"});
  test::write_file(victim, test::png_of({0x7fffffff, 0x7fffffff, 8, test::Colour::rgb}, {0}));
  refuse({victim.string(), "2147483647 pixels high"});
  test::write_file(victim, {'n', 'o', 't', 'e', 's'});
  refuse({victim.string(), "begins with 6e 6f 74 65", "PNG or JPEG"});
  fs::remove(victim);
  fs::create_directory(victim);
  refuse({victim.string(), "not a file"});
}

}  // namespace saccade::program
