#include <doctest/doctest.h>

#include "data_folders.h"
#include "program.h"
#include "served_run.h"

/// `send`, and the sender in Python, to a `serve` that runs beside the test.
namespace saccade::program {
namespace {

/// A server that learns from so many views of 28x28x1, then ends.
ServedRun server_in(const fs::path& folder, const std::string& data, int views = 30) {
  return {folder / "serve.err",
          {"--out", (folder / "served").string(), "--data", data, "--set", "events=" + std::to_string(views), "--set",
           "stream.streams=1"}};
}

struct Setting {
  Setting() {
    make_fashion_mnist(folder.path, 60, 40);
    const Outcome packed = run({"pack", "--quiet", "--out", file(), "--data", data(), "--events", "30"});
    REQUIRE(packed.code == 0);
  }
  std::string data() const { return folder.path.string(); }
  std::string file() const { return (folder.path / "F.views").string(); }
  std::string fingerprint(const std::string& run) const {
    return json_of(folder.path / run / "summary.json")["fingerprint"].get<std::string>();
  }
  /// A replay of what the server has recorded learns what the server has learned.
  void check_replay() const {
    const std::string arrivals = (folder.path / "served" / "arrivals.views").string();
    const Outcome again = run(replay(folder.path / "again") + Arguments{"--stream", arrivals});
    CAPTURE(again.err);
    REQUIRE(again.code == 0);
    CHECK(fingerprint("again") == fingerprint("served"));
  }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("a stream that is sent is learned from as one that is replayed") {
  const Setting setting;
  ServedRun server = server_in(setting.folder.path, setting.data());
  const Outcome sent = run(
      {"send", setting.file(), "--to", server.address, "--data", setting.data(), "--rate", "500", "--json", "--quiet"});
  CAPTURE(sent.err);
  REQUIRE(sent.code == 0);
  const nlohmann::json counts = nlohmann::json::parse(sent.out);
  CHECK(counts["views"] == 30);
  CHECK(counts["answered"] == counts["views"].get<int>() + counts["saccades"].get<int>());
  CHECK(counts["dropped"] == 0);
  CHECK(counts["reconnects"] == 0);
  CHECK(counts["seconds"].get<double>() >= 29 / 500.0);
  CHECK(counts["latency_ms"]["p99"] >= counts["latency_ms"]["median"]);
  CHECK(server.wait().code == 0);
  setting.check_replay();
  const Outcome direct =
      run(replay(setting.folder.path / "direct") + Arguments{"--stream", setting.file(), "--data", setting.data()});
  REQUIRE(direct.code == 0);
  CHECK(setting.fingerprint("direct") == setting.fingerprint("served"));
}

TEST_CASE("what was sent is said in a line, and what the server had already") {
  const Setting setting;
  ServedRun server = server_in(setting.folder.path, setting.data(), 60);
  const Arguments arguments{"send", setting.file(), "--to", server.address, "--data", setting.data()};
  const Outcome sent = run(arguments), again = run(arguments);
  CHECK(sent.code == 0);
  CHECK(sent.out.starts_with(server.address + ": 30 views and 14 saccades in "));
  CHECK(contains(sent.out, " views/s), 44 answered, 0 dropped, "));
  CHECK(sent.out.ends_with(" ms (99 %)\n"));
  CHECK(again.code == 0);
  CHECK(again.out.starts_with(server.address + ": 0 views and 0 saccades in "));
  CHECK(again.out.ends_with("; 44 events were there before\n"));
  server.send(SIGINT);
  CHECK(server.wait().code == 130);
}

TEST_CASE("the example in Python sends frames that are learned from") {
  const auto python = [](const Arguments& arguments) {
    return Process(Process::WholeLine{Arguments{"/usr/bin/python3"} + arguments}).wait();
  };
  if (python({"-c", "import flatbuffers"}).code != 0) {
    MESSAGE("python3-flatbuffers is missing");
    return;
  }
  const Setting setting;
  ServedRun server = server_in(setting.folder.path, setting.data());
  const std::string script = (fs::path(SACCADE_TESTS) / ".." / "tools" / "examples" / "send_frames.py").string();
  const Outcome sent = python({script, "--to", server.address, "--size", "28x28x1", "--frames", "30", "--rate", "200"});
  CAPTURE(sent.out);
  CAPTURE(sent.err);
  REQUIRE(sent.code == 0);
  CHECK(contains(sent.out, "event 0: seen"));
  CHECK(contains(sent.out, ": learned 0."));
  CHECK(contains(sent.out, "44 events, 44 answers"));
  CHECK(server.wait().code == 0);
  setting.check_replay();
  const Outcome still = python({script, "--to", server.address, "--rate", "0"});
  CHECK(still.code == 2);
  CHECK(contains(still.err, "--rate 0"));
  // Without what it needs.
  const fs::path bare = setting.folder.path / "bare";
  fs::create_directories(bare);
  std::ofstream(bare / "flatbuffers.py") << "raise ImportError('none')\n";
  const auto without = [&](const Environment& environment) {
    return Process(Process::WholeLine{{"/usr/bin/python3", script, "--to", server.address}}, environment).wait();
  };
  const Outcome module = without({{"PYTHONPATH", bare.string()}});
  CHECK(module.code == 1);
  CHECK(module.err ==
        "send_frames.py: the Python module flatbuffers is missing: apt-get install python3-flatbuffers\n");
  const Outcome compiler = without({{"PATH", "/nowhere"}});
  CHECK(compiler.code == 1);
  CHECK(compiler.err == "send_frames.py: flatc is missing: apt-get install flatbuffers-compiler\n");
  const Outcome nobody = python({script, "--to", server.address, "--size", "28x28x4"});
  CHECK(nobody.code == 2);
  CHECK(contains(nobody.err, "1 or 3 channels"));
}

TEST_CASE("what cannot be sent is refused") {
  const Setting setting;
  const std::string file = setting.file(), to = "127.0.0.1:1", data = setting.data();
  const auto check = [](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
  };
  check({"send", file, "--to", "nowhere"}, {"--to nowhere", "expected HOST:PORT"});
  check({"send", file, "--to", to, "--rate", "fast"}, {"--rate fast", "max"});
  check({"send", file, "--to", to, "--token-file", "/nowhere/token"}, {"/nowhere/token"});
  for (const std::string name : {"a b", "..", ".hidden", "\xc3\xa4"})
    check({"send", file, "--to", to, "--name", name}, {"--name " + name, "no stream name", "1 to 64"});
  check({"send", "/nowhere/F.views", "--to", to}, {"/nowhere/F.views"});
  const Outcome alone = run({"send", file, "--to", to, "--data", data, "--retries", "1", "--quiet"});
  CHECK(alone.code == 1);
  CHECK(contains(alone.err, "cannot connect: Connection refused"));
  CHECK(contains(alone.err, "given up after 1 more"));

  ServedRun server = server_in(setting.folder.path, data);
  const std::string wide = (setting.folder.path / "wide.views").string();
  REQUIRE(run({"pack", "--quiet", "--out", wide, "--set", "data=world", "--set", "world.train_stills=10", "--events",
               "3", "--pixels"})
              .code == 0);
  check({"send", wide, "--to", server.address}, {server.address, "refuses the stream", "expected 28x28x1"});
}

}  // namespace saccade::program
